using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tools;

/// <summary>The tools that the assistant may ask for.</summary>
internal interface IToolbox
{
    /// <summary>All tools, in a stable order.</summary>
    IReadOnlyList<ITool> All { get; }

    /// <summary>The tools that this caller may use, in a stable order.</summary>
    IReadOnlyList<ITool> AvailableTo(Caller caller);

    /// <summary>
    /// Runs a tool with the arguments that the model gave and returns its output as JSON text. It never throws but for
    /// <paramref name="cancellationToken"/>: an unknown tool, bad arguments, a failure, a time-out or too large an output
    /// become a short text without secrets, on which the model can act.
    /// </summary>
    Task<string> ExecuteAsync(string name, string arguments, Caller caller, CancellationToken cancellationToken);
}
