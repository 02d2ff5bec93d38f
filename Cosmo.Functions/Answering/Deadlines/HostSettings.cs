using System.Globalization;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Answering.Deadlines;

/// <summary>
/// Refuses deadlines that the Functions host does not keep with the settings that it has: those of host.json, over which the app settings
/// <c>AzureFunctionsJobHost__…</c> win. Where no Functions host has started this process there is nothing to agree with.
/// </summary>
internal sealed class HostSettings(IConfiguration configuration) : IValidateOptions<AnsweringOptions>
{
    private const string Folder = "FUNCTIONS_APPLICATION_DIRECTORY";
    private const string Overrides = "AzureFunctionsJobHost";
    private const string Storage = "extensions:durableTask:storageProvider";

    /// <summary>The orchestrator and two activities are found in a queue each before the model's first event.</summary>
    private const int QueuesToTheFirstEvent = 4;

    /// <summary>What an activity that has reached its own deadline may need to end, or the trigger to keep a message that it has held back: the broker is given a minute.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(90);

    /// <summary>The host's default on the plans that RabbitMQ's trigger runs on.</summary>
    private static readonly TimeSpan DefaultFunctionTimeout = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan DefaultVisibilityTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan DefaultPollingInterval = TimeSpan.FromSeconds(30);

    public ValidateOptionsResult Validate(string? name, AnsweringOptions options)
    {
        if (configuration[Folder] is not { Length: > 0 } folder)
        {
            return ValidateOptionsResult.Skip;
        }

        var file = new ConfigurationBuilder().AddJsonFile(Path.GetFullPath(Path.Combine(folder, "host.json")), optional: true).Build();
        string? Find(string key) => configuration[$"{Overrides}:{key}"] ?? file[key];
        TimeSpan Read(string key, TimeSpan standard) => TimeSpan.TryParse(Find(key), CultureInfo.InvariantCulture, out var value) ? value : standard;

        var faults = FaultsOfTimeout(Find("functionTimeout"), Read("functionTimeout", DefaultFunctionTimeout), options);
        if (string.Equals(Find($"{Storage}:type") ?? "AzureStorage", "AzureStorage", StringComparison.OrdinalIgnoreCase))
        {
            faults = faults.Concat(FaultsOfQueues(Read, options));
        }

        return faults.ToList() is { Count: > 0 } found ? ValidateOptionsResult.Fail(found) : ValidateOptionsResult.Success;
    }

    private static IEnumerable<string> FaultsOfTimeout(string? text, TimeSpan timeout, AnsweringOptions options)
    {
        var (longest, setting, value) = options.Deadlines.Overall >= options.RedisPatience
            ? (options.Deadlines.Overall, nameof(options.OverallSeconds), options.OverallSeconds)
            : (options.RedisPatience, nameof(options.FirstEventSeconds), options.FirstEventSeconds);
        var needed = longest + Grace;
        if (text != "-1" && timeout < needed)
        {
            yield return $"functionTimeout in host.json ({timeout:c}) is too short for Cosmo:Conversations:{setting} ({value.ToString(CultureInfo.InvariantCulture)}): " +
                $"set it to {needed:c} or more.";
        }
    }

    /// <summary>
    /// An activity that a lost instance was at stays hidden in its queue for a while; it must be seen again in time for its answer. (The extension refuses
    /// less than a minute for the control queues, so nothing is asked of those.)
    /// </summary>
    private static IEnumerable<string> FaultsOfQueues(Func<string, TimeSpan, TimeSpan> read, AnsweringOptions options)
    {
        var deadlines = options.Deadlines;
        var (deadline, setting) = deadlines.FirstEvent <= deadlines.Stall
            ? (deadlines.FirstEvent, nameof(options.FirstEventSeconds))
            : (deadlines.Stall, nameof(options.StallSeconds));
        var against = $"Cosmo:Conversations:{setting} ({deadline.TotalSeconds.ToString(CultureInfo.InvariantCulture)})";
        var polling = QueuesToTheFirstEvent * read($"{Storage}:maxQueuePollingInterval", DefaultPollingInterval);
        if (polling >= deadline)
        {
            yield return $"{Storage}:maxQueuePollingInterval in host.json is too long for {against}: an answer waits for it up to {QueuesToTheFirstEvent} times " +
                "before its first event. Set it to 00:00:01.";
            yield break;
        }

        var hidden = read($"{Storage}:workItemQueueVisibilityTimeout", DefaultVisibilityTimeout);
        if (hidden + polling >= deadline)
        {
            yield return $"{Storage}:workItemQueueVisibilityTimeout in host.json ({hidden:c}) is too long for {against}: the work of an instance that is lost " +
                $"would come back too late. Set it to less than {deadline - polling:c}.";
        }
    }
}
