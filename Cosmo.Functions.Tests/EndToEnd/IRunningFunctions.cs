namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>The functions of a stack: a host, and the worker that it started.</summary>
internal interface IRunningFunctions : IAsyncDisposable
{
    /// <summary>What both have written so far.</summary>
    string Output { get; }

    /// <summary>Kills the worker as <c>kill -9</c> does it; waits for one if the last is not up again.</summary>
    Task KillWorkerAsync();

    /// <exception cref="InvalidOperationException">The host has ended by itself.</exception>
    void ThrowIfEnded();
}
