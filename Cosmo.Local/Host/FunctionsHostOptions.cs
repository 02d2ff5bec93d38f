namespace Cosmo.Local.Host;

/// <summary>What a functions host runs, and where.</summary>
internal sealed record FunctionsHostOptions
{
    /// <summary>The build output of an app for the isolated worker, with its host.json.</summary>
    public required string AppFolder { get; init; }

    /// <summary>The settings of the app, with <c>:</c> between their parts.</summary>
    public required IConfiguration Settings { get; init; }

    /// <summary>Where keys, orchestrations and the timers' past are kept; made if it is not there.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The port on 127.0.0.1; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>Origins whose pages may call the functions; <c>*</c> is any.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Says where the log goes.</summary>
    public Action<ILoggingBuilder>? ConfigureLogging { get; init; }
}
