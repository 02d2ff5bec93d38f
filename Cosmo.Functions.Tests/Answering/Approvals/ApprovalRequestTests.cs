using System.Text;
using Cosmo.Functions.Answering.Approvals;

namespace Cosmo.Functions.Tests.Answering.Approvals;

public sealed class ApprovalRequestTests
{
    private const string NoReason = "Field 'reason' must be a text of at most 2000 characters.";

    [Theory]
    [InlineData("""{"approved": true}""", true, null)]
    [InlineData("""{"approved": false, "reason": "No."}""", false, "No.")]
    [InlineData("""{"reason": null, "approved": true}""", true, null)]
    [InlineData("""{"reason": "", "approved": true}""", true, null)]
    [InlineData("""{"approved": true, "message_id": 7, "unknown": {}}""", true, null)]
    public void A_decision_needs_a_yes_or_a_no_and_no_more(string body, bool approved, string? reason) =>
        Read(body, namesCall: false).ShouldBe((new ApprovalRequest(null, null, approved, reason), null));

    [Fact]
    public void Over_a_connection_it_says_on_which_call() =>
        Read("""{"message_id": "msg-1", "call_id": "call_1", "approved": true, "reason": "Yes."}""", namesCall: true).ShouldBe((new ApprovalRequest("msg-1", "call_1", true, "Yes."), null));

    [Theory]
    [InlineData("""{"call_id": "call_1", "approved": true}""", "Field 'message_id' must be a text.")]
    [InlineData("""{"message_id": "", "call_id": "call_1", "approved": true}""", "Field 'message_id' must be a text.")]
    [InlineData("""{"message_id": "msg-1", "approved": true}""", "Field 'call_id' must be a text.")]
    [InlineData("""{"message_id": "msg-1", "call_id": 7, "approved": true}""", "Field 'call_id' must be a text.")]
    [InlineData("""{"message_id": "msg-1", "call_id": "call_1"}""", "Field 'approved' must be true or false.")]
    public void What_names_no_call_there_is_refused(string body, string fault) => Read(body, namesCall: true).ShouldBe((null, fault));

    [Theory]
    [InlineData("", "It must be a JSON object in UTF-8.")]
    [InlineData("[true]", "It must be a JSON object in UTF-8.")]
    [InlineData("{}", "Field 'approved' must be true or false.")]
    [InlineData("""{"approved": "true"}""", "Field 'approved' must be true or false.")]
    [InlineData("""{"approved": null}""", "Field 'approved' must be true or false.")]
    [InlineData("""{"approved": true, "reason": 7}""", NoReason)]
    public void What_is_no_decision_is_refused_with_the_field_s_name(string body, string fault) => Read(body, namesCall: false).ShouldBe((null, fault));

    [Theory]
    [InlineData(2_000, null)]
    [InlineData(2_001, NoReason)]
    public void A_reason_has_an_end(int length, string? fault) =>
        Read($$"""{"approved": true, "reason": "{{new string('x', length)}}"}""", namesCall: false).Fault.ShouldBe(fault);

    private static (ApprovalRequest? Request, string? Fault) Read(string body, bool namesCall)
    {
        ApprovalRequest.TryRead(Encoding.UTF8.GetBytes(body), namesCall, out var request, out var fault).ShouldBe(request is not null);
        return (request, fault);
    }
}
