namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>What a commit made ready: the engine is told when the commit is done, and after a crash finds the same in the tables.</summary>
internal sealed class Wakeups
{
    /// <summary>Executions that have something in their inbox, or have to be started.</summary>
    public HashSet<long> Executions { get; } = [];

    public List<long> Activities { get; } = [];

    /// <summary>The time of the earliest timer among the new ones.</summary>
    public DateTime? NextTimer { get; private set; }

    /// <summary>The ids of instances whose status is not what it was.</summary>
    public List<string> ChangedInstances { get; } = [];

    public void AddTimer(DateTime fireAt) => NextTimer = NextTimer < fireAt ? NextTimer : fireAt;
}
