using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class ValidationTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"model":"m"}""", "input", "missing_required_parameter")]
    [InlineData("""{"input":"hi"}""", "model", "missing_required_parameter")]
    [InlineData("""{"model":"m","input":5}""", "input", "invalid_type")]
    [InlineData("""{"model":"m","input":"hi","stream":"yes"}""", "stream", "invalid_type")]
    [InlineData("""{"model":"m","input":"hi","color":"red"}""", "color", "unknown_parameter")]
    [InlineData("""{"model":"m","input":"hi","max_output_tokens":5}""", "max_output_tokens", "integer_below_min_value")]
    [InlineData("""{"model":"m","input":"hi","temperature":3}""", "temperature", "invalid_value")]
    [InlineData("""{"model":"m","input":[{"type":"message","role":"robot","content":"hi"}]}""", "input[0].role", "invalid_value")]
    [InlineData("""{"model":"m","input":[{"type":"message","role":"user"}]}""", "input[0].content", "missing_required_parameter")]
    [InlineData("""{"model":"m","input":[{"type":"function_call_output","call_id":"c"}]}""", "input[0].output", "missing_required_parameter")]
    [InlineData("""{"model":"m","input":"hi","tools":[{"type":"function","function":{"name":"f"}}]}""", "tools[0].name", "missing_required_parameter")]
    [InlineData("""{"model":"m","input":"hi","tools":[{"type":"function","name":"a b"}]}""", "tools[0].name", "invalid_value")]
    [InlineData("""{"model":"m","input":"hi","conversation":{"id":"conv_a"},"previous_response_id":"resp_a"}""", null, "mutually_exclusive_parameters")]
    [InlineData("{\"model\":", null, null)]
    public async Task A_wrong_parameter_is_named(string body, string? param, string? code)
    {
        var error = await ErrorAsync(body, 400);

        error["type"]!.ToString().ShouldBe("invalid_request_error");
        (error["param"]?.ToString()).ShouldBe(param);
        (error["code"]?.ToString()).ShouldBe(code);
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""", "'additionalProperties' is required to be supplied and to be false.")]
    [InlineData("""{"type":"object","properties":{"city":{"type":"string"},"code":{"type":"string"}},"required":["city"],"additionalProperties":false}""", "Missing 'code'.")]
    [InlineData("""{"type":"object","properties":{"at":{"type":"object","properties":{}}},"required":["at"],"additionalProperties":false}""", "In context=('properties', 'at')")]
    [InlineData("""{"type":"string"}""", "schema must be a JSON Schema of 'type: \"object\"'")]
    public async Task A_strict_function_needs_a_closed_schema_that_requires_everything(string schema, string message)
    {
        var error = await ErrorAsync($$"""{"model":"m","input":"hi","tools":[{"type":"function","name":"f","strict":true,"parameters":{{schema}}}]}""", 400);

        error["code"]!.ToString().ShouldBe("invalid_function_parameters");
        error["message"]!.ToString().ShouldContain(message);
    }

    [Fact]
    public async Task An_optional_argument_that_was_not_said_is_left_out_when_the_schema_does_not_require_it()
    {
        using var answer = await emulator.Http.PostAsJsonAsync("v1/responses", JsonNode.Parse("""
            {"model":"m","input":"Weather in Makati?","tools":[{"type":"function","name":"get_weather","strict":false,
             "parameters":{"type":"object","properties":{"city":{"type":"string"},"country_code":{"type":"string"}},"required":["city"]}}]}
            """), Cancel);
        var response = (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;

        response["output"]![0]!["arguments"]!.ToString().ShouldBe("""{"city":"Makati"}""");
    }

    [Fact]
    public async Task Without_a_key_nothing_is_answered()
    {
        using var stranger = new HttpClient { BaseAddress = emulator.Http.BaseAddress };
        using var answer = await stranger.PostAsJsonAsync("v1/conversations", new { }, Cancel);

        ((int)answer.StatusCode).ShouldBe(401);
        (await answer.Content.ReadAsStringAsync(Cancel)).ShouldContain("invalid_api_key");
    }

    [Theory]
    [InlineData("v1/conversations")]
    [InlineData("openai/v1/conversations")]
    public async Task Both_paths_of_the_service_are_served(string path)
    {
        using var answer = await emulator.Http.PostAsJsonAsync(path, new { }, Cancel);

        (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["id"]!.ToString().ShouldStartWith("conv_");
    }

    private async Task<JsonObject> ErrorAsync(string body, int status)
    {
        using var content = new StringContent(body);
        using var answer = await emulator.Http.PostAsync("v1/responses", content, Cancel);
        ((int)answer.StatusCode).ShouldBe(status);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["error"]!.AsObject();
    }
}
