namespace Cosmo.Functions.Tests.Local.OpenAI;

/// <summary>A conversation in which every function is answered with a sample output.</summary>
internal sealed class Talk(EmulatorFixture emulator)
{
    private string? _conversation;

    /// <summary>Says something; returns the calls that it led to, and the answer after them.</summary>
    public async Task<(IReadOnlyList<string> Calls, string Answer)> SayAsync(string text)
    {
        _conversation ??= await emulator.NewConversationAsync();
        var response = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(_conversation, text));
        if (response.Calls.Count == 0)
        {
            return ([], response.Text);
        }

        var outputs = response.Calls.Select(call => (call.CallId, SampleOutput(call.FunctionName))).ToArray();
        var answer = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Outputs(_conversation, outputs));
        return (response.CallTexts, answer.Text);
    }

    private static string SampleOutput(string function) => function switch
    {
        "get_weather" => """{"temperature":31.4,"feels_like":37,"humidity":70,"description":"light rain","wind_speed":3.6,"location":{"name":"Makati","country":"PH"}}""",
        "get_active_clients_per_service" => """{"total_active_clients":40,"service_breakdown":[{"ServiceName":"Managed IT","ClientCount":30},{"ServiceName":"Payroll","ClientCount":10}]}""",
        "get_available_offices" => """{"total_available_spaces":1,"city":"Cebu","required_capacity":20,"available_offices":[{"OfficeId":7,"OfficeName":"Sky Tower","Capacity":24}]}""",
        "get_user_audit_logs" => """
            {"audit_logs":{"items":[{"action":"Update","tableName":null,"changeSummary":"Changed a client","createdAt":"2026-01-31 13:45:10.123"}],"pagination":{"totalPages":1}},
             "insights":{"total_activities":1,"most_common_actions":{"Update":1},"most_affected_tables":{},"common_change_types":{},"peak_activity_hours":{"13":1},"recent_activity":true},
             "summary":{"email":"maria@kmc.com","total_records":1,"date_range":{"from":"2026-01-31 13:45:10.123","to":"2026-01-31 13:45:10.123"}}}
            """,
        _ => """{"user_role":{"role":"Operations Manager"},"email":"maria@kmc.com"}""",
    };
}
