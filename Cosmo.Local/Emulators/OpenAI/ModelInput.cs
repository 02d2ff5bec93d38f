using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>What the model is given.</summary>
/// <param name="Items">The whole conversation with the new input, oldest first.</param>
/// <param name="Tools">The functions that it may call.</param>
/// <param name="Parallel">Whether it may call several at once.</param>
internal sealed record ModelInput(IReadOnlyList<Item> Items, IReadOnlyList<OfferedTool> Tools, bool Parallel)
{
    public static ModelInput Of(ModelResponse response) => new(
        response.Context,
        response.Request.MayCallTools ? response.Request.Tools : [],
        response.Request.ParallelToolCalls);
}
