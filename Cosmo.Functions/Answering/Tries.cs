using Microsoft.DurableTask;

namespace Cosmo.Functions.Answering;

/// <summary>
/// How often an orchestration tries its activities. A worker that dies fails what it was at, and nobody else repeats it. What is expected to fail is a
/// result, so an exception is that, trouble of the host, or a bug: all are tried again, soon, and not for ever. The loop cannot be stopped from outside,
/// so it ends by itself soon after the time that it is given, and each try asks first whether the message is over.
/// </summary>
internal static class Tries
{
    /// <summary>With the waits between them, failures that come at once take some 20 s.</summary>
    private const int Most = 8;

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>For a step that has no deadline of its own.</summary>
    public static TaskOptions Few { get; } = Within(TimeSpan.FromSeconds(60));

    /// <summary>For what must not be lost: about a day, half a minute apart in the end.</summary>
    public static TaskOptions ForADay { get; } = TaskOptions.FromRetryPolicy(
        new RetryPolicy(2900, FirstWait, backoffCoefficient: 2, maxRetryInterval: TimeSpan.FromSeconds(30)));

    /// <summary>For a step of an answer.</summary>
    /// <param name="left">What is left until the deadline; no wait for another try begins after it.</param>
    public static TaskOptions Within(TimeSpan left) => TaskOptions.FromRetryPolicy(
        new RetryPolicy(Most, FirstWait, backoffCoefficient: 2, maxRetryInterval: LongestWait, retryTimeout: left > FirstWait ? left : FirstWait));
}
