using System.Diagnostics;
using Cosmo.Local.Durable;
using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Worker;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Microsoft.Azure.WebJobs.Extensions.DurableTask.Correlation;
using Microsoft.Azure.WebJobs.Host;
using Microsoft.Azure.WebJobs.Host.Config;
using Microsoft.Azure.WebJobs.Host.Timers;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cosmo.Local.Host.WebJobs;

/// <summary>The functions in the WebJobs SDK, with the official Durable extension: it drives orchestrations, entities and activities, and every invocation goes through it.</summary>
internal sealed class WebJobsHost : IFunctionInvoker, IAsyncDisposable
{
    // What is to drain has drained before.
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(2);

    private readonly IHost _host;
    private readonly IJobHost _jobs;
    private bool _isStarted;

    private WebJobsHost(IHost host)
    {
        _host = host;
        _jobs = host.Services.GetRequiredService<IJobHost>();
    }

    /// <summary>The version of the Durable extension.</summary>
    public static string DurableExtension { get; } = FileVersionInfo.GetVersionInfo(typeof(DurableTaskExtension).Assembly.Location).FileVersion!;

    /// <param name="functions">The functions that are not disabled.</param>
    /// <param name="workers">Runs them.</param>
    /// <param name="options">What the app says.</param>
    /// <param name="logs">The log of the host.</param>
    public static WebJobsHost Create(IReadOnlyList<FunctionDefinition> functions, WorkerSupervisor workers, WebJobsHostOptions options, ILoggerFactory logs)
    {
        var invocations = new WorkerInvocations(functions, workers, options.DrainEnd);
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration
            .AddInMemoryCollection(options.Settings.AsEnumerable().Where(setting => setting.Value is not null))
            .AddInMemoryCollection(options.HostJson.ForWebJobs());
        var services = builder.Services;
        services.AddLogging();
        services.AddSingleton(logs);
        services.AddSingleton(options.Time);
        services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = StopLimit);
        services.AddSingleton<INameResolver, SettingNames>();
        services.AddSingleton(workers);
        services.AddSingleton<IWebJobsExceptionHandler, FunctionTimeouts>();
#pragma warning disable CS0618 // The extension asks for it.
        services.AddSingleton<IWebHookProvider>(new WebHooks(options.ManagementUrl));
#pragma warning restore CS0618
        services.AddSingleton<ITypeLocator>(new EmittedFunctions(functions, options.HostJson.FunctionTimeout, invocations.InvokeAsync));

        var jobs = services.AddWebJobs(_ => { });
        jobs.UseHostId("local");
        jobs.AddExecutionContextBinding();
        jobs.AddDurableTask();
        // It would only warn that there is no Application Insights.
        services.RemoveAll<ITelemetryActivator>();
        services.AddSqliteDurability(options.DatabasePath);
#pragma warning disable CS0612 // There is no other way to say it.
        services.Replace(ServiceDescriptor.Singleton<IPlatformInformation, LocalPlatform>());
#pragma warning restore CS0612
        return new WebJobsHost(builder.Build());
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _host.StartAsync(cancellationToken);
        await _jobs.StartAsync(cancellationToken);
        _isStarted = true;
    }

    /// <summary>Takes no new orchestrations, entities and activities, and lets those at work end where host.json asks for a graceful shutdown.</summary>
    public Task StopAsync() => _isStarted ? _jobs.StopAsync() : Task.CompletedTask;

    public async Task InvokeAsync(FunctionDefinition function, TriggerInput input, CancellationToken cancellationToken)
    {
        try
        {
            await _jobs.CallAsync(function.Name, new Dictionary<string, object> { [function.Trigger.Name] = input }, cancellationToken);
        }
        catch (FunctionInvocationException error) when (error.InnerException is { } cause)
        {
            throw cause;
        }
    }

    /// <summary>Answers a request to the management endpoints of the Durable extension.</summary>
    public async Task<HttpResponseMessage> ManageAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var extension = _host.Services.GetServices<IExtensionConfigProvider>().OfType<DurableTaskExtension>().Single();
        return await ((IAsyncConverter<HttpRequestMessage, HttpResponseMessage>)extension).ConvertAsync(request, cancellationToken);
    }

    /// <summary>Cancels what still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isStarted)
        {
            await _host.StopAsync();
        }

        await ((IAsyncDisposable)_host).DisposeAsync();
    }
}

/// <summary>What the app says to the WebJobs SDK and its extensions.</summary>
internal sealed record WebJobsHostOptions(HostJson HostJson, IConfiguration Settings)
{
    public required TimeProvider Time { get; init; }

    /// <summary>Where the management of orchestrations is, with the key that opens it.</summary>
    public required Uri ManagementUrl { get; init; }

    /// <summary>The file of the SQLite store.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>Cancels what runs.</summary>
    public CancellationToken DrainEnd { get; init; }
}
