namespace Cosmo.Local.Terminal.Planning;

/// <summary>What a plan supposes. Each is an option of <c>plan</c>, which says what it is.</summary>
/// <param name="Answers">Answers of a conversation.</param>
/// <param name="Characters">Characters of an answer.</param>
/// <param name="Seconds">Seconds from the model's first event to the end of an answer.</param>
/// <param name="ToolRounds">Rounds of tools of an answer, on the average, with one call each.</param>
/// <param name="Peak">How many times the day's average the busiest moment has.</param>
/// <param name="Load">Percent of a throughput that the busiest moment may use.</param>
/// <param name="Minutes">Minutes that a client stays connected for a conversation.</param>
/// <param name="Listeners">Clients that listen to a channel.</param>
/// <param name="Deltas">Whether they ask for what is new alone.</param>
/// <param name="BytesACharacter">Bytes of a character.</param>
/// <param name="CharactersAToken">Characters of a token.</param>
/// <param name="InputTokens">Tokens that the model reads each time it is asked.</param>
/// <param name="SendMilliseconds">Milliseconds that an update takes to leave.</param>
/// <param name="TriggerMilliseconds">Milliseconds that the trigger takes for a message.</param>
/// <param name="ProcessorMilliseconds">Milliseconds of one core for an answer.</param>
/// <param name="Cores">Cores of an instance.</param>
/// <param name="ScriptGets">GETs that a script costs Redis.</param>
/// <param name="HistoryDays">Days that histories are kept.</param>
internal sealed record PlanAssumptions(
    double Answers = 4,
    double Characters = 1_000,
    double Seconds = 10,
    double ToolRounds = 0.5,
    double Peak = 4,
    double Load = 70,
    double Minutes = 10,
    double Listeners = 1,
    bool Deltas = false,
    double BytesACharacter = 1,
    double CharactersAToken = 4,
    double InputTokens = 2_000,
    double SendMilliseconds = 20,
    double TriggerMilliseconds = 50,
    double ProcessorMilliseconds = 50,
    double Cores = 2,
    double ScriptGets = 10,
    double HistoryDays = 7);
