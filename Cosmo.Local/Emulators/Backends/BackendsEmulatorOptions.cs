using Cosmo.Local.SampleData;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>How a <see cref="BackendsEmulator"/> runs.</summary>
internal sealed record BackendsEmulatorOptions
{
    /// <summary>Where it listens; only the port is looked at. Port 0, the default, takes a free one.</summary>
    public Uri Url { get; init; } = new("http://127.0.0.1:0");

    /// <summary>The clock of the weather's day, of the logs' dates and of delays.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The sample database whose faults it controls, if there is one.</summary>
    public SampleDatabase? Database { get; init; }
}
