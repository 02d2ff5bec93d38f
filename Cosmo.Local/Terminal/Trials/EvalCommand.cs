using System.Collections.Concurrent;
using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Cosmo.Local.Terminal.Trials;

/// <summary><c>eval</c>: holds the conversations of a file with a deployment and says which answers are not as expected.</summary>
internal sealed class EvalCommand(OperatorCommands operators)
{
    private const int MostAtOnce = 32;
    private const int LongestShown = 60;

    public Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A trial a line, as JSON: docs/trials.md." };
        var profile = new Option<string?>("--profile") { Description = "The profile that is to answer." };
        var parallel = new Option<int>("--parallel") { Description = "So many trials at once.", DefaultValueFactory = _ => 4 };
        parallel.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > MostAtOnce))
            {
                result.AddError($"--parallel must be a number from 1 to {MostAtOnce}.");
            }
        });
        var eval = operators.Verb(
            "eval", "Asks what a file says, each trial in a channel of its own, and compares the answers.", "cosmo eval trials.jsonl --profile support", [file],
            async (parsed, session) =>
            {
                using var signals = new StopSignals();
                var trials = await TrialFile.ReadAsync(parsed.GetValue(file)!, signals.Token);
                return await RunAsync(trials, parsed.GetValue(profile), parsed.GetValue(parallel), session, signals);
            });
        eval.Options.Add(profile);
        eval.Options.Add(parallel);
        return eval;
    }

    private static async Task<int> RunAsync(IReadOnlyList<Trial> trials, string? profile, int parallel, TerminalSession session, StopSignals signals)
    {
        // Where the deployment or its key is wrong, one sentence says so rather than every trial.
        await session.GetAsync("usage?days=1");
        var outcomes = new ConcurrentDictionary<Trial, TrialOutcome>();
        try
        {
            await Parallel.ForEachAsync(
                trials,
                new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = signals.Token },
                async (trial, cancellationToken) =>
                {
                    var outcome = outcomes[trial] = await new TrialRun(session.Deployment, trial, profile).RunAsync(cancellationToken);
                    await Console.Error.WriteLineAsync($"{(outcome.HasPassed ? "passed" : "failed")}  {Tables.Line(trial.Name)}");
                });
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            throw new TerminalException(
                signals.ExitCode is 0 ? ExitCodes.Failed : signals.ExitCode, $"Interrupted after {outcomes.Count} of {trials.Count} trials. Their channels are deleted.");
        }

        TrialOutcome[] all = [.. trials.Select(trial => outcomes[trial])];
        var passed = all.Count(outcome => outcome.HasPassed);
        session.Show(
            new JsonObject
            {
                ["url"] = session.Deployment.Url.AbsoluteUri,
                ["profile"] = profile,
                ["passed"] = passed,
                ["failed"] = all.Length - passed,
                ["trials"] = new JsonArray([.. all.Select(Json)]),
            },
            _ => Show(session.Console, all, passed));
        return passed == all.Length ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static JsonObject Json(TrialOutcome outcome) => new()
    {
        ["name"] = outcome.Name,
        ["passed"] = outcome.HasPassed,
        ["failure"] = outcome.Failure,
        ["turns"] = new JsonArray([.. outcome.Turns.Select(Json)]),
    };

    private static JsonObject Json(TurnOutcome turn) => new()
    {
        ["message"] = turn.Message,
        ["message_id"] = turn.MessageId.Length == 0 ? null : turn.MessageId,
        ["status"] = turn.Status,
        ["text"] = turn.Text,
        ["tools"] = new JsonArray([
            .. turn.Calls.Select(call => new JsonObject { ["name"] = call.Tool, ["state"] = call.State, ["arguments"] = call.Arguments?.DeepClone() })]),
        ["first_text_seconds"] = Rounded(turn.FirstText),
        ["seconds"] = Rounded(turn.Seconds),
        ["usage"] = turn.Usage?.DeepClone(),
        ["failures"] = new JsonArray([.. turn.Failures.Select(failure => JsonValue.Create(failure))]),
    };

    private static double? Rounded(double? seconds) => seconds is { } known ? Math.Round(known, 3) : null;

    private static void Show(IAnsiConsole console, TrialOutcome[] outcomes, int passed)
    {
        var table = Tables.New("trial", "asked", "first text", "seconds", "tokens in", "out", "failed");
        foreach (var outcome in outcomes)
        {
            foreach (var turn in outcome.Turns)
            {
                table.AddRow(
                    new Text(turn == outcome.Turns[0] ? Short(outcome.Name) : ""),
                    new Text(Short(turn.Message)),
                    Seconds(turn.FirstText),
                    Seconds(turn.Seconds),
                    new Text(Tables.Count(turn.Usage?["input_tokens"])),
                    new Text(Tables.Count(turn.Usage?["output_tokens"])),
                    new Text(string.Join('\n', turn.Failures.Select(failure => Tables.Line(failure)))));
            }

            if (outcome.Failure is { } failure)
            {
                table.AddRow(new Text(""), new Text(""), new Text(""), new Text(""), new Text(""), new Text(""), new Text(Tables.Line(failure)));
            }
        }

        console.Write(table);
        console.WriteLine($"{passed} of {outcomes.Length} passed.");
    }

    private static Text Seconds(double? seconds) => new(seconds?.ToString("0.00", CultureInfo.InvariantCulture) ?? "-");

    private static string Short(string text) => Tables.Line(text.Length > LongestShown ? text[..(LongestShown - 1)] + "…" : text);
}
