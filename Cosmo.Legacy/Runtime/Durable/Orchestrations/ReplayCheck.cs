using Cosmo.Local.Runtime.Durable.History;
using DurableTask.Core.Exceptions;

namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>Holds what an orchestrator does in a replay against what its history says it did, step by step.</summary>
internal sealed class ReplayCheck(string orchestrator)
{
    private readonly List<(int Sequence, OrchestratorAction Action)> _expected = [];

    /// <summary>The history has this action, as its event of that number, in the step that is replayed.</summary>
    public void Expect(int sequence, OrchestratorAction action) => _expected.Add((sequence, action));

    /// <summary>Closes a step.</summary>
    /// <exception cref="NonDeterministicOrchestrationException">The orchestrator did something else.</exception>
    public void Verify(IReadOnlyList<OrchestratorAction> done, int nextSequence)
    {
        for (var i = 0; i < Math.Max(_expected.Count, done.Count); i++)
        {
            var actual = i < done.Count ? $"`{done[i].Describe()}`" : "nothing";
            if (i >= _expected.Count)
            {
                throw Mismatch($"expected nothing more before event {nextSequence}, got {actual}");
            }

            var (sequence, action) = _expected[i];
            if (i >= done.Count || !string.Equals(action.Describe(), done[i].Describe(), StringComparison.OrdinalIgnoreCase))
            {
                throw Mismatch($"expected event {sequence} `{action.Describe()}`, got {actual}");
            }
        }

        _expected.Clear();
    }

    private NonDeterministicOrchestrationException Mismatch(string difference) => new(
        $"The orchestrator '{orchestrator}' did not do in a replay what its history says: {difference}. Its code was changed while the "
        + "instance ran, or it depends on something that is not the same every time: a clock, a random number, I/O, static state.");
}
