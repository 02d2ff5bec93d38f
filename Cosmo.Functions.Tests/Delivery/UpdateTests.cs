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
}
