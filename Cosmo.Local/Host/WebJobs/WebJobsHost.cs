using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Worker;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Microsoft.Azure.WebJobs.Host;
using Microsoft.Azure.WebJobs.Host.Config;
using Microsoft.Azure.WebJobs.Host.Timers;
using Microsoft.Azure.WebJobs.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cosmo.Local.Host.WebJobs;

/// <summary>The functions in the WebJobs SDK, with the official Durable extension: it drives orchestrations, entities and activities, and every invocation goes through it.</summary>
internal sealed class WebJobsHost : IFunctionInvoker, IAsyncDisposable
{
    private readonly IHost _host;
    private readonly IJobHost _jobs;

    private WebJobsHost(IHost host)
    {
        _host = host;
        _jobs = host.Services.GetRequiredService<IJobHost>();
    }

    /// <param name="functions">The functions of the app.</param>
    /// <param name="workers">Runs them.</param>
    /// <param name="options">The host's options.</param>
    /// <param name="webHookUrl">Where the management endpoints of the Durable extension are, with the key that opens them.</param>
    /// <param name="logs">The log of the host.</param>
    public static WebJobsHost Create(
        IReadOnlyList<FunctionDefinition> functions, WorkerSupervisor workers, JobHostSettings options, Func<Uri> webHookUrl, ILoggerFactory logs)
    {
        var invocations = new WorkerInvocations(functions, workers);
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(options.Configuration);
        var services = builder.Services;
        services.AddSingleton(logs);
        services.AddLogging();
        services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        services.AddSingleton<INameResolver, SettingNames>();
        services.AddSingleton(workers);
        services.AddSingleton<IWebJobsExceptionHandler, FunctionTimeouts>();
#pragma warning disable CS0618 // The extension asks for it.
        services.AddSingleton<IWebHookProvider>(new WebHooks(_ => webHookUrl()));
#pragma warning restore CS0618

        var jobs = services.AddWebJobs(_ => { });
        jobs.UseHostId(options.HostId);
        jobs.AddExecutionContextBinding();
        jobs.AddDurableTask();
        options.AddDurability?.Invoke(services);
#pragma warning disable CS0612 // There is no other way to say it.
        services.Replace(ServiceDescriptor.Singleton<IPlatformInformation, LocalPlatform>());
#pragma warning restore CS0612
        services.Replace(ServiceDescriptor.Singleton<ITypeLocator>(new EmittedFunctions(functions, options.FunctionTimeout, options.IsDisabled, invocations.InvokeAsync)));
        services.AddHostedService<JobHostService>();
        return new WebJobsHost(builder.Build());
    }

    public Task StartAsync(CancellationToken cancellationToken) => _host.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => _host.StopAsync(cancellationToken);

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

    public async ValueTask DisposeAsync()
    {
        if (_host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }
}

/// <summary>What the inner host takes from host.json and the settings.</summary>
internal sealed record JobHostSettings(string HostId, IReadOnlyDictionary<string, string?> Configuration, TimeSpan FunctionTimeout, Func<FunctionDefinition, bool> IsDisabled)
{
    /// <summary>Registers a storage provider.</summary>
    public Action<IServiceCollection>? AddDurability { get; init; }
}
