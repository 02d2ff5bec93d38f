using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI;
using Cosmo.Local.Emulators.OpenAI.Rules;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class OtherToolsTests
{
    private const string Rate = """
        {"type":"object","properties":{"from":{"type":"string","pattern":"^[A-Z]{3}$"},"to":{"type":"string","pattern":"^[A-Z]{3}$"},"note":{"type":["string","null"]}},"required":["from","to"]}
        """;

    [Theory]
    [InlineData("What is the exchange rate from USD to PHP?", """{"from":"USD","to":"PHP"}""")]
    [InlineData("Exchange rates, please: EUR, USD.", """{"from":"EUR","to":"USD"}""")]
    [InlineData("What is the exchange rate from USD?", null)]
    [InlineData("What is USD in PHP?", null)]
    public void A_tool_is_called_when_its_name_and_all_its_arguments_are_said(string question, string? arguments)
    {
        var message = Item.From(new JsonObject { ["type"] = "message", ["role"] = "user", ["content"] = question });
        var input = new ModelInput([message], [new OfferedTool("get_exchange_rate", JsonNode.Parse(Rate)!.AsObject())], Parallel: true);

        OtherTools.Wanted(input).Select(call => call.Arguments).ShouldBe(arguments is null ? [] : [arguments]);
    }
}
