using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Delivery;

public class UpdateTests
{
    private static readonly MessageAddress Address = new("user_session_abc123", "msg-1", 1);

    [Fact]
    public void An_update_has_the_fields_of_the_contract_and_its_sequence()
    {
        var update = new Update("user_session_abc123", Updates.Text(Address, "conv_1", "Ça va — “gut”? 😀") with { Timestamp = 1683042126.789, Sequence = 7 });

        var json = JsonSerializer.Serialize(update, CosmoJson.Options);

        json.ShouldContain("Ça va — “gut”? ");
        JsonNode.DeepEquals(JsonNode.Parse(json), JsonNode.Parse("""
            {
              "channel": "user_session_abc123",
              "payload": {
                "message": "Ça va — “gut”? 😀", "timestamp": 1683042126.789, "status": "in_progress", "type": "response", "final_message": false,
                "message_id": "msg-1", "thread_id": "conv_1", "sequence": 7
              }
            }
            """)).ShouldBeTrue(json);
    }

    [Fact]
    public void The_thread_is_null_until_it_is_known()
    {
        var payload = JsonSerializer.SerializeToNode(Updates.Started(Address), CosmoJson.Options)!.AsObject();

        payload.ContainsKey("thread_id").ShouldBeTrue();
        payload["thread_id"].ShouldBeNull();
    }

    [Fact]
    public void Error_details_stand_only_on_errors()
    {
        JsonSerializer.SerializeToNode(Updates.Started(Address), CosmoJson.Options)!.AsObject().ContainsKey("error_details").ShouldBeFalse();
        JsonSerializer.SerializeToNode(Updates.Rejected("msg-1", "Sorry.", "why"), CosmoJson.Options)!["error_details"]!.GetValue<string>().ShouldBe("why");
    }

    /// <summary>The table of the wire contract, section 2.</summary>
    [Fact]
    public void Each_update_says_what_the_contract_says()
    {
        UpdatePayload[] all =
        [
            Updates.Started(Address), Updates.Processing(Address, "conv_1"), Updates.Tool(Address, "conv_1", new ToolCallUpdate("call_1", "get_weather", ToolCallUpdate.Running)),
            Updates.Retrying(Address, "conv_1"), Updates.Responding(Address, "conv_1"), Updates.Text(Address, "conv_1", "It is"), Updates.Completed(Address, "conv_1", "It is sunny."),
            Updates.Rejected("msg-1", "Sorry.", "why"), Updates.Error(Address, "conv_1", "Sorry.", "why"), Updates.Timeout(Address, "conv_1", "Sorry.", "why"),
            Updates.Cancelled(Address, "conv_1", "It is"),
        ];

        all.ShouldAllBe(update => update.MessageId == "msg-1");
        all.Select(update => (update.Type, update.Status, update.FinalMessage, update.Message, update.ErrorDetails)).ShouldBe(
        [
            ("status", "started", false, "Assistant is processing your request...", null),
            ("status", "processing", false, "Assistant is gathering information...", null),
            ("tool", "processing", false, "Executing get_weather...", null),
            ("status", "retrying", false, "Still trying to reach the assistant...", null),
            ("status", "responding", false, "Assistant is responding...", null),
            ("response", "in_progress", false, "It is", null),
            ("response", "completed", true, "It is sunny.", null),
            ("error", "error", true, "Sorry.", "why"),
            ("error", "error", true, "Sorry.", "why"),
            ("timeout", "error", true, "Sorry.", "why"),
            ("error", "cancelled", true, "It is", "Cancelled on request"),
        ]);
    }

    [Fact]
    public void Half_a_character_waits_for_its_other_half() =>
        ((string[])["", "a", "a\ud83d", "a\ud83d\ude00"]).Select(UpdatePayload.EndOf).ShouldBe([0, 1, 1, 3]);
}
