using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>The verb <c>torture</c>: faults at every seam under load, for longer than <c>test</c> has them.</summary>
internal static class TortureCommand
{
    private const int MostMinutes = 24 * 60;
    private const int MostMessages = 10_000;
    private const int MostChannels = 2000;

    /// <summary>Servers start, all that was asked gets its end, and the last round may be longer.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(12);

    public static Command Create()
    {
        var faults = new Argument<string[]>("FAULT") { Description = "What is broken, or how its name begins. [default: everything]", Arity = ArgumentArity.ZeroOrMore };
        var minutes = CommonOptions.Number("--minutes", $"How long, roughly: 1 to {MostMinutes}.", 10, 1, MostMinutes);
        var seed = new Option<int?>("--seed") { Description = "Decides what happens when. One that was there before goes on where it stopped. [default: any]", HelpName = "N" };
        var channels = CommonOptions.Number("--channels", $"Conversations at once: 1 to {MostChannels}.", 8, 1, MostChannels);
        var fleet = new Option<string>("--fleet") { Description = "one: one instance of the app; two: two on one queue, each with its own store; rolling: two on one store, Azurite's, with deployments of the next version.", HelpName = "FLEET", DefaultValueFactory = _ => "one" };
        fleet.AcceptOnlyFromAmong("one", "two", "rolling");
        var flood = CommonOptions.Number("--flood", $"Breaks nothing, but has so many messages come in each channel, faster than they can be answered: 1 to {MostMessages}; 0: no flood.", 0, 0, MostMessages);
        var output = new Option<string?>("--out") { Description = "The folder of the account and of the histories that break a promise. [default: .cosmo/torture]", HelpName = "DIR" };
        var command = new Command(
            "torture",
            "Builds, and breaks everything that can be broken, by chance and under load: processes are killed and stand still, Redis forgets, the network is cut. Then what clients, producers and services have seen is held against the promises.\n\n"
            + "Example:\n  cosmo torture redis worker-kill --minutes 5 --seed 7")
        {
            faults, minutes, seed, channels, fleet, flood, output,
        };
        command.SetAction(async (parsed, _) =>
        {
            var options = new
            {
                Seed = parsed.GetValue(seed) ?? Random.Shared.Next(1_000_000),
                Minutes = parsed.GetValue(minutes),
                Faults = parsed.GetValue(faults) ?? [],
                Channels = parsed.GetValue(channels),
                Fleet = parsed.GetValue(fleet),
                Flood = parsed.GetValue(flood),
                Folder = Path.GetFullPath(parsed.GetValue(output) ?? Path.Combine(ProgramFiles.Root, ".cosmo", "torture")),
            };
            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Seed {options.Seed}."));
            return await RunAsync(options, TimeSpan.FromMinutes(options.Minutes));
        });
        return command;
    }

    /// <summary>Has the tests do it.</summary>
    /// <param name="options">As the tests read them.</param>
    /// <param name="length">So long it is to take, roughly.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(object options, TimeSpan length)
    {
        var run = new TestRun(ProgramFiles.Root, ["-method", "*.Proof.TortureTests.As_asked", "-explicit", "only"], Console.Out, Console.Error)
        {
            Limit = length + Rest,
            Environment = { ["COSMO_TORTURE"] = JsonSerializer.Serialize(options) },
        };
        return await run.RunUntilSignalAsync();
    }
}
