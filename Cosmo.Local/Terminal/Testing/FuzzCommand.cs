using System.CommandLine;
using System.Globalization;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>The verb <c>fuzz</c>: the tests of what comes from outside, for longer than <c>test</c> runs them.</summary>
internal static class FuzzCommand
{
    /// <summary>Of the tests that try random inputs.</summary>
    public const string Trait = "kind=fuzz";

    private const int MostMinutes = 24 * 60;

    public static Command Create()
    {
        var minutes = new Option<double>("--minutes") { Description = "How long each property is tried.", DefaultValueFactory = _ => 1, HelpName = "MINUTES" };
        minutes.Validators.Add(result =>
        {
            // What is no number has no value to look at.
            if (result.Tokens.Any(token => !(double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var given) && given is > 0 and <= MostMinutes)))
            {
                result.AddError($"--minutes must be above 0 and at most {MostMinutes}.");
            }
        });
        var seed = new Option<string?>("--seed") { Description = "Begins with the inputs of this seed, which a failure has named.", HelpName = "SEED" };
        var command = new Command("fuzz", "Builds, and tries random inputs from outside: messages, events, streams, tools' answers, dead letters, requests; and random schedules of what happens within. A failure names its seed.") { minutes, seed };
        command.SetAction(async (parsed, _) =>
        {
            var each = TimeSpan.FromMinutes(parsed.GetValue(minutes));
            var run = new TestRun(ProgramFiles.Root, ["-trait", Trait], Console.Out, Console.Error)
            {
                Limit = TimeSpan.FromMinutes(5) + (each * 30),
                Environment =
                {
                    ["COSMO_FUZZ_SECONDS"] = Math.Max(1, (int)each.TotalSeconds).ToString(CultureInfo.InvariantCulture),
                    ["COSMO_FUZZ_SEED"] = parsed.GetValue(seed),
                },
            };
            return await run.RunUntilSignalAsync();
        });
        return command;
    }
}
