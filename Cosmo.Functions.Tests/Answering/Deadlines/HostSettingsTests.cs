using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Deadlines;
using Microsoft.Extensions.Configuration;

namespace Cosmo.Functions.Tests.Answering.Deadlines;

public sealed class HostSettingsTests : IDisposable
{
    private const string Timeout = "functionTimeout";
    private const string Storage = "extensions:durableTask:storageProvider:";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-host-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_apps_own_host_json_agrees_with_the_deadlines_that_are_the_default()
    {
        File.Exists(Path.Combine(AppContext.BaseDirectory, "host.json")).ShouldBeTrue();

        Faults(AppContext.BaseDirectory, new AnsweringOptions()).ShouldBeEmpty();
    }

    [Fact]
    public void A_function_timeout_below_the_longest_deadline_is_refused()
    {
        Faults(new() { OverallSeconds = 600 }, (Timeout, "00:10:00")).ShouldBe(
            ["functionTimeout in host.json (00:10:00) is too short for Cosmo:Conversations:OverallSeconds (600): set it to 00:11:30 or more."]);
    }

    [Fact]
    public void So_is_one_in_which_a_message_cannot_be_held_back_and_kept() =>
        Faults(new() { FirstEventSeconds = 900, OverallSeconds = 500 }, (Timeout, "00:11:00")).ShouldBe(
            ["functionTimeout in host.json (00:11:00) is too short for Cosmo:Conversations:FirstEventSeconds (900): set it to 00:11:30 or more."]);

    [Theory]
    [InlineData("-1", 3600, true)]
    [InlineData("01:01:30", 3600, true)]
    [InlineData(null, 1700, true)]
    [InlineData(null, 1800, false)]
    public void A_function_timeout_may_be_unlimited_or_the_hosts_default(string? timeout, int overall, bool agrees) =>
        Faults(new() { OverallSeconds = overall }, (Timeout, timeout)).Count.ShouldBe(agrees ? 0 : 1);

    [Fact]
    public void Work_of_a_lost_instance_that_comes_back_too_late_is_refused()
    {
        // What the storage provider does where nothing is said.
        Faults(new(), (Storage + "workItemQueueVisibilityTimeout", null)).ShouldBe(
            [$"{Storage}workItemQueueVisibilityTimeout in host.json (00:05:00) is too long for Cosmo:Conversations:FirstEventSeconds (45): the work of an instance that is lost would come back too late. Set it to less than 00:00:41."]);
    }

    [Theory]
    [InlineData("00:00:16", 1)]
    [InlineData("00:00:15", 0)]
    public void The_shorter_of_the_deadlines_to_an_event_counts(string hidden, int faults)
    {
        var found = Faults(new() { StallSeconds = 20 }, (Storage + "workItemQueueVisibilityTimeout", hidden));

        found.Count.ShouldBe(faults);
        found.ShouldAllBe(fault => fault.Contains("Cosmo:Conversations:StallSeconds (20)"));
    }

    [Theory]
    [InlineData("AzureStorage")]
    [InlineData(null)]
    public void Queues_that_are_looked_at_too_seldom_are_refused(string? type)
    {
        Faults(new(), (Storage + "maxQueuePollingInterval", "00:00:30"), (Storage + "type", type)).ShouldBe(
            [$"{Storage}maxQueuePollingInterval in host.json is too long for Cosmo:Conversations:FirstEventSeconds (45): an answer waits for it up to 4 times before its first event. Set it to 00:00:01."]);
    }

    [Fact]
    public void Four_looks_at_queues_leave_no_time_where_they_take_all_of_it() =>
        Faults(new() { FirstEventSeconds = 4 }, (Storage + "maxQueuePollingInterval", "00:00:01")).ShouldHaveSingleItem().ShouldStartWith($"{Storage}maxQueuePollingInterval in host.json is too long");

    [Theory]
    [InlineData("sqlite")]
    [InlineData("azureManaged")]
    public void Queues_are_the_concern_of_Azure_Storage_alone(string type) =>
        Faults(new() { FirstEventSeconds = 1 }, (Storage + "type", type)).ShouldBeEmpty();

    [Fact]
    public void An_app_setting_wins_over_the_file()
    {
        Write("""{ "functionTimeout": "00:01:00", "extensions": { "durableTask": { "storageProvider": { "type": "sqlite" } } } }""");

        Faults(_folder.FullName, new()).Single().ShouldStartWith("functionTimeout");
        Faults(_folder.FullName, new(), ("AzureFunctionsJobHost:functionTimeout", "00:10:00")).ShouldBeEmpty();
    }

    [Fact]
    public void Without_a_Functions_host_there_is_nothing_to_agree_with() =>
        new HostSettings(new ConfigurationBuilder().Build()).Validate(null, new() { OverallSeconds = 3600 }).Skipped.ShouldBeTrue();

    /// <summary>What is wrong with the app's own host.json when some of its settings have other values; null takes one away.</summary>
    private List<string> Faults(AnsweringOptions options, params (string Key, string? Value)[] changes)
    {
        var settings = new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, "host.json")).Build().AsEnumerable()
            .Where(setting => setting.Value is not null && changes.All(change => change.Key != setting.Key))
            .Concat(changes.Where(change => change.Value is not null).Select(change => KeyValuePair.Create(change.Key, change.Value)))
            .Select(setting => ("AzureFunctionsJobHost:" + setting.Key, setting.Value));
        return Faults(_folder.FullName, options, [.. settings]);
    }

    private static List<string> Faults(string folder, AnsweringOptions options, params (string Key, string? Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Append(("FUNCTIONS_APPLICATION_DIRECTORY", folder)).Select(setting => KeyValuePair.Create(setting.Item1, setting.Item2)))
            .Build();
        return [.. new HostSettings(configuration).Validate(null, options).Failures ?? []];
    }

    private void Write(string json) => File.WriteAllText(Path.Combine(_folder.FullName, "host.json"), json);
}
