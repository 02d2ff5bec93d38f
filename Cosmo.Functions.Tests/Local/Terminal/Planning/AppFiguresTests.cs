using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Local.Terminal.Planning;

namespace Cosmo.Functions.Tests.Local.Terminal.Planning;

/// <summary>What the calculator says of the app, against the app.</summary>
public sealed class AppFiguresTests
{
    [Fact]
    public void Text_gathers_as_the_options_have_it()
    {
        var options = new DeliveryOptions();

        AppFigures.CoalesceCharacters.ShouldBe(options.CoalesceCharacters);
        AppFigures.CoalesceSeconds.ShouldBe(options.CoalesceSeconds);
        AppFigures.UpdatesPerSecond.ShouldBe(options.UpdatesPerSecond);
        AppFigures.NewShare.ShouldBe(TextPace.NewShare);
        AppFigures.ShortText.ShouldBe(TextPace.ShortText);
        AppFigures.RestShare.ShouldBe(TextPace.RestShare);
        AppFigures.LongestStepSeconds.ShouldBe(TextPace.LongestStep.TotalSeconds);
        AppFigures.LongestStepOfLongTextSeconds.ShouldBe(TextPace.LongestStepOfLongText.TotalSeconds);
    }

    [Fact]
    public void An_instance_runs_as_many_activities_and_has_as_many_queues_as_host_json_says()
    {
        var durable = JsonNode.Parse(File.ReadAllText(Path.Combine(CosmoScript.Root, "host.json")))!["extensions"]!["durableTask"]!;

        AppFigures.ActivitiesAnInstance.ShouldBe(durable["maxConcurrentActivityFunctions"]!.GetValue<int>());
        durable["storageProvider"]!["partitionCount"].ShouldBeNull();
    }

    [Fact]
    public void An_update_has_as_many_bytes_around_its_text()
    {
        var id = Guid.Empty.ToString();
        var address = new MessageAddress(id, id, 1);
        var update = new Update(id, Updates.Text(address, "conv_" + new string('0', 48), "") with { Timestamp = 1683042126.789, Sequence = 1683042126790 });

        JsonSerializer.SerializeToUtf8Bytes(update, CosmoJson.Options).Length.ShouldBeInRange(AppFigures.EnvelopeBytes - 5, AppFigures.EnvelopeBytes + 5);
    }

    /// <summary>A round more is 1,700 bytes more, from no round to the nine of the longest one.</summary>
    [Fact]
    public void Histories_are_as_long_as_the_recorded_ones()
    {
        var folder = Path.Combine(CosmoScript.Root, "Cosmo.Functions.Tests", "Answering", "Histories", "1.0");

        ((double)new FileInfo(Path.Combine(folder, "long-text.jsonl")).Length).ShouldBe(AppFigures.HistoryBytes, 500);
        ((double)new FileInfo(Path.Combine(folder, "many-rounds.jsonl")).Length).ShouldBe(AppFigures.HistoryBytes + (8 * AppFigures.HistoryBytesAToolRound), 1_000);
    }
}
