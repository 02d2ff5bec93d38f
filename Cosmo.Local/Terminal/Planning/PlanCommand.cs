using System.CommandLine;
using System.Globalization;

namespace Cosmo.Local.Terminal.Planning;

/// <summary>The verb <c>plan</c>: what so many conversations a day need on Azure.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var command = new Command(
            "plan",
            "What so many conversations a day need on Azure, in units and in what is billed, against published limits. Prices are not in it. Whatever it supposes is an option.\n\n"
                + "Example:\n  cosmo plan --conversations 10000 100000 --answers 6 --deltas");
        var usual = new PlanAssumptions();
        var conversations = new Option<double[]>("--conversations")
        {
            Description = "Conversations a day; several stand side by side.",
            HelpName = "N",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [100_000],
        };
        Bound(conversations, 1, 1e9);
        command.Options.Add(conversations);
        var answers = Number("--answers", "Answers of a conversation.", usual.Answers, 0.01, 1_000);
        var characters = Number("--characters", "Characters of an answer.", usual.Characters, 1, 100_000);
        var seconds = Number("--seconds", "Seconds that an answer takes, its tools among them.", usual.Seconds, 0.1, 3_600);
        var toolRounds = Number("--tool-rounds", "Rounds of tools of an answer, on the average; each has one call.", usual.ToolRounds, 0, 32);
        var peak = Number("--peak", "How many times the day's average the busiest minute has.", usual.Peak, 1, 1_000);
        var load = Number("--load", "Percent of a throughput that the busiest minute may use.", usual.Load, 1, 100);
        var minutes = Number("--minutes", "Minutes that a client stays connected for a conversation.", usual.Minutes, 0, 1_440);
        var listeners = Number("--listeners", "Clients that listen to a channel.", usual.Listeners, 0, 1_000);
        var deltas = new Option<bool>("--deltas") { Description = "Clients ask for what is new of a text alone (negotiate?text=delta): fewer bytes out, and twice the messages to Web PubSub." };
        command.Options.Add(deltas);
        var bytes = Number("--bytes-a-character", "Bytes of a character: 1 for English, 2 for Greek, 3 for Chinese.", usual.BytesACharacter, 1, 4);
        var token = Number("--characters-a-token", "Characters of a token.", usual.CharactersAToken, 0.25, 20);
        var input = Number("--input-tokens", "Tokens that the model reads each time it is asked: instructions, tools, the conversation so far.", usual.InputTokens, 0, 1_000_000);
        var send = Number("--send-milliseconds", "Milliseconds that an update takes to leave; text that comes meanwhile goes with the next.", usual.SendMilliseconds, 0, 10_000);
        var trigger = Number("--trigger-milliseconds", "Milliseconds that the trigger takes for a message: it takes one after the other.", usual.TriggerMilliseconds, 0, 60_000);
        var processor = Number("--processor-milliseconds", "Milliseconds of a core for an answer, host and worker together.", usual.ProcessorMilliseconds, 0, 60_000);
        var cores = Number("--cores", "Cores of an instance: EP1 has 1, EP2 has 2, EP3 has 4.", usual.Cores, 1, 64);
        var gets = Number("--script-gets", "GETs that a script costs Redis: the one that records an update has about ten commands.", usual.ScriptGets, 1, 100);
        var days = Number("--history-days", "Days that histories of orchestrations are kept (HISTORY_RETENTION_DAYS).", usual.HistoryDays, 0.01, 90);
        var markdown = new Option<bool>("--markdown") { Description = "Prints the table as docs/performance.md has it." };
        command.Options.Add(markdown);
        command.SetAction(parsed =>
        {
            var assumptions = new PlanAssumptions(
                parsed.GetValue(answers), parsed.GetValue(characters), parsed.GetValue(seconds), parsed.GetValue(toolRounds), parsed.GetValue(peak), parsed.GetValue(load),
                parsed.GetValue(minutes), parsed.GetValue(listeners), parsed.GetValue(deltas), parsed.GetValue(bytes), parsed.GetValue(token), parsed.GetValue(input),
                parsed.GetValue(send), parsed.GetValue(trigger), parsed.GetValue(processor), parsed.GetValue(cores), parsed.GetValue(gets), parsed.GetValue(days));
            var table = new PlanTable([.. parsed.GetValue(conversations)!.Select(number => new AzurePlan(number, assumptions))]);
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(markdown))
            {
                output.Write(table.ToMarkdown());
            }
            else
            {
                table.Write(TerminalSession.OpenConsole(output));
            }
        });
        return command;

        Option<double> Number(string name, string description, double usual, double least, double most)
        {
            var option = new Option<double>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => usual };
            Bound(option, least, most);
            command.Options.Add(option);
            return option;
        }
    }

    /// <summary>Refuses what is no number, or one that lies outside; both bounds are allowed.</summary>
    private static void Bound(Option option, double least, double most) => option.Validators.Add(result =>
    {
        if (result.Tokens.Any(token => !(double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)))
        {
            result.AddError(FormattableString.Invariant($"{option.Name} must be a number from {least:0.##} to {most:0.##}."));
        }
    });
}
