using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal;

/// <summary>What a run of the benchmark is asked for.</summary>
/// <param name="Names">What is measured: scenarios whose names begin so; all where there are none.</param>
/// <param name="Rounds">Rounds that count: 1 to 50.</param>
/// <param name="Folder">Where the tables go.</param>
/// <param name="Functions">Another build's <c>Cosmo.Local.dll</c>, whose functions are measured; null for this one's.</param>
/// <param name="Settings">Settings of the functions.</param>
/// <param name="Minutes">How long the scenario <c>soak</c> goes on: 1 to 1,440.</param>
/// <param name="IsList">Only says what can be measured.</param>
internal sealed record BenchOptions(
    IReadOnlyList<string> Names, int Rounds, string Folder, string? Functions, IReadOnlyDictionary<string, string?> Settings, int Minutes, bool IsList);

/// <summary>The verb <c>bench</c>: builds the benchmark, which <c>./cosmo</c> does not copy, and hands over to it.</summary>
internal static class BenchCommand
{
    private const int MostRounds = 50;
    private const int MostMinutes = 24 * 60;

    public static Command Create()
    {
        var names = new Argument<string[]>("NAME") { Description = "What is measured, or how it begins. [default: everything but soak]", Arity = ArgumentArity.ZeroOrMore };
        var rounds = CommonOptions.Number("--rounds", $"Rounds that count: 1 to {MostRounds}.", 5, 1, MostRounds);
        var output = new Option<string?>("--out") { Description = "The folder of the tables. [default: .cosmo/bench]", HelpName = "DIR" };
        var functions = new Option<string?>("--functions") { Description = "Another build's Cosmo.Local.dll, whose functions are measured in the place of this one's.", HelpName = "FILE" };
        var settings = new Option<string[]>("--set") { Description = "A setting of the functions; may be given more than once.", HelpName = "NAME=VALUE" };
        var minutes = CommonOptions.Number("--minutes", $"How long soak goes on: 1 to {MostMinutes}.", 60, 1, MostMinutes);
        var list = new Option<bool>("--list") { Description = "Says what can be measured, and no more." };
        settings.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1))
            {
                result.AddError($"--set must be NAME=VALUE, not '{token.Value}'.");
            }
        });
        var command = new Command(
            "bench",
            "Measures Cosmo beside the shortest way from a question to its answer: on this machine, with processes of its own, for some minutes.\n\nExample:\n  cosmo bench latency-20 short --rounds 5")
        {
            names, rounds, minutes, output, functions, settings, list,
        };
        command.SetAction((parsed, _) => RunAsync(new BenchOptions(
            parsed.GetValue(names) ?? [],
            parsed.GetValue(rounds),
            Path.GetFullPath(parsed.GetValue(output) ?? Path.Combine(ProgramFiles.Root, ".cosmo", "bench")),
            parsed.GetValue(functions),
            (parsed.GetValue(settings) ?? []).Select(setting => setting.Split('=', 2)).GroupBy(setting => setting[0]).ToDictionary(setting => setting.Key, setting => (string?)setting.Last()[1]),
            parsed.GetValue(minutes),
            parsed.GetValue(list))));
        return command;
    }

    private static async Task<int> RunAsync(BenchOptions options)
    {
        using var signals = new StopSignals();
        var project = Path.Combine(ProgramFiles.Root, "bench");
        var log = Path.Combine(ProgramFiles.Root, ".cosmo", "logs", "bench-build.log");
        await Console.Error.WriteLineAsync("Building the benchmark.");
        if (await LongStep.RunAsync(new Launch("dotnet", "build", project, "--configuration", "Release", "--nologo", "--disable-build-servers"), log, signals.Token) != 0)
        {
            throw LongStep.Explain(log, "The benchmark could not be built.");
        }

        // It writes to this very screen. Ctrl-C reaches it without us.
        using var bench = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(project, "bin", "Release", "net10.0", "Cosmo.Bench.dll"), "run", JsonSerializer.Serialize(options)]))!;
        using var stopping = signals.Token.Register(() => Process.Start("kill", ["-s", "TERM", bench.Id.ToString(CultureInfo.InvariantCulture)]).Dispose());
        await bench.WaitForExitAsync(CancellationToken.None);
        return bench.ExitCode;
    }
}
