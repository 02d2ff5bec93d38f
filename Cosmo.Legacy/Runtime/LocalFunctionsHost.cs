using System.Net;
using System.Runtime.CompilerServices;
using Cosmo.Local.Runtime.Durable;
using Cosmo.Local.Runtime.Http;
using Cosmo.Local.Runtime.Indexing;
using Cosmo.Local.Runtime.Invocation;
using Cosmo.Local.Runtime.Orchestrations;
using Cosmo.Local.Runtime.Queues;
using Cosmo.Local.Runtime.Timers;
using Microsoft.AspNetCore.Connections;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;

namespace Cosmo.Local.Runtime;

/// <summary>The functions of an app, running in this process: HTTP, RabbitMQ and timer triggers and the durable engine.</summary>
internal sealed class LocalFunctionsHost : IAsyncDisposable
{
    /// <summary>How long a stop may take.</summary>
    public static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);

    // Less than the whole, so that what is cancelled after it can still end.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(6);

    private readonly WebApplication _app;
    private int _disposed;

    private LocalFunctionsHost(WebApplication app) => _app = app;

    /// <summary>What the routes of the functions hang on; ends with a slash.</summary>
    public Uri Url => new($"{_app.Urls.First()}/{HttpFunction.Combine(Services.GetRequiredService<HostJson>().RoutePrefix, "")}");

    public IServiceProvider Services => _app.Services;

    /// <summary>One line a function.</summary>
    public IEnumerable<string> Lines => Services.GetRequiredService<FunctionIndex>().Lines(Services.GetRequiredService<HostJson>().RoutePrefix);

    /// <summary>Cancelled when the host begins to stop, by itself too.</summary>
    public CancellationToken Stopping => _app.Lifetime.ApplicationStopping;

    /// <summary>Starts a host. It listens when this returns; a queue's listener may still wait for its broker.</summary>
    /// <exception cref="StartupException">A function or a setting is wrong, or the port is taken.</exception>
    public static async Task<LocalFunctionsHost> StartAsync(LocalFunctionsHostOptions options, CancellationToken cancellationToken = default)
    {
        // The framework would log a failed start with its stack trace; the caller tells of it.
        var hasStarted = new StrongBox<bool>();
        var app = Build(options, hasStarted);
        try
        {
            await app.StartAsync(cancellationToken);
            hasStarted.Value = true;
            return new LocalFunctionsHost(app);
        }
        catch (Exception error)
        {
            await app.DisposeAsync();
            throw error switch
            {
                OptionsValidationException invalid => new StartupException(string.Join(Environment.NewLine, invalid.Failures), error),
                IOException { InnerException: AddressInUseException } => new StartupException(
                    $"Port {options.Port} of 127.0.0.1 is taken; stop what listens there or take another with --port.", error),
                _ => error,
            };
        }
    }

    /// <summary>Takes nothing new, lets what runs come to its end within <see cref="ShutdownTimeout"/>, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        try
        {
            await _app.StopAsync();
        }
        catch (OperationCanceledException)
        {
        }

        await _app.DisposeAsync();
    }

    private static WebApplication Build(LocalFunctionsHostOptions options, StrongBox<bool> hasStarted)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        // Not AddConfiguration: chained, it hides settings that are set to an empty text.
        builder.Configuration.AddInMemoryCollection(options.Settings.AsEnumerable().Where(setting => setting.Value is not null));
        builder.Logging.AddConfiguration(options.HostJson.Logging).AddConfiguration(builder.Configuration.GetSection("Logging"))
            .AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("Microsoft.Hosting", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => hasStarted.Value && level >= LogLevel.Warning);
        builder.Host.UseDefaultServiceProvider(provider => provider.ValidateScopes = true);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = HttpEndpoints.MaxBodySize;
            kestrel.Listen(IPAddress.Loopback, options.Port);
        });

        builder.Services.AddSingleton(options.Time);
        options.Configure?.Invoke(builder);
        AddRuntime(builder.Services, options, FunctionIndex.Read(options.Types, builder.Configuration));

        var app = builder.Build();
        FunctionClasses.Check(app.Services.GetRequiredService<FunctionIndex>(), app.Services.GetRequiredService<IServiceProviderIsService>());
        app.UseRouting();
        app.UseCors(cors => cors.WithOrigins([.. options.AllowedOrigins]).AllowAnyHeader().AllowAnyMethod());
        app.Services.GetRequiredService<HttpEndpoints>().Map(app);
        return app;
    }

    private static void AddRuntime(IServiceCollection services, LocalFunctionsHostOptions options, FunctionIndex index)
    {
        services.AddSingleton(index);
        services.AddSingleton(options.HostJson);
        services.AddSingleton<ShutdownGrace>();
        services.AddSingleton<FunctionInvoker>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        services.AddSingleton<IHostLifetime, EmbeddedLifetime>();

        services.AddRouting();
        services.AddCors();
        services.AddMvcCore();
        services.AddSingleton(FunctionKeys.Open(options.DataFolder));
        services.AddSingleton<HttpEndpoints>();

        services.AddSingleton<IDurableFunctions, DurableFunctions>();
        services.AddSingleton(new DurableEngineOptions
        {
            DatabasePath = Path.Combine(options.DataFolder, "durable.db"),
            MaxConcurrentActivities = options.HostJson.MaxConcurrentActivities,
            MaxConcurrentOrchestrators = options.HostJson.MaxConcurrentOrchestrators,
            DrainTimeout = DrainTimeout,
        });
        services.AddSingleton<DurableEngine>();
        services.AddHostedService(provider => provider.GetRequiredService<DurableEngine>());
        services.AddSingleton<DurableTaskClient>(provider => new LocalDurableTaskClient(provider.GetRequiredService<DurableEngine>()));

        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<TimerMonitor>(provider, options.DataFolder));
        services.AddHostedService<QueueListeners>();
        services.AddHostedService<TimerListeners>();
    }
}
