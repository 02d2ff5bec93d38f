namespace Cosmo.Local.Runtime;

/// <summary>What a functions host runs, and where.</summary>
internal sealed record LocalFunctionsHostOptions
{
    /// <summary>The classes whose methods may be functions.</summary>
    public required IEnumerable<Type> Types { get; init; }

    /// <summary>The settings of the app, with <c>:</c> between their parts.</summary>
    public required IConfiguration Settings { get; init; }

    /// <summary>Where keys, orchestrations and the timers' past are kept; made if it is not there.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The port on 127.0.0.1; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>Origins whose pages may call the functions; <c>*</c> is any.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    public HostJson HostJson { get; init; } = HostJson.Load();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Registers the services of the app.</summary>
    public Action<IHostApplicationBuilder>? Configure { get; init; }
}
