namespace Cosmo.Functions.Answering.Deadlines;

/// <summary>How long an answer may take; part of the orchestration's input, since an orchestrator reads no configuration.</summary>
/// <param name="FirstEvent">Until the model's first event.</param>
/// <param name="Stall">Between two events.</param>
/// <param name="Overall">For the whole answer.</param>
internal sealed record AnswerDeadlines(TimeSpan FirstEvent, TimeSpan Stall, TimeSpan Overall);
