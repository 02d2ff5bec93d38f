using System.Runtime.ExceptionServices;
using Cosmo.Local.Host.Worker;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Microsoft.Azure.WebJobs.Host;
using Microsoft.Azure.WebJobs.Host.Config;
using Microsoft.Azure.WebJobs.Host.Timers;
using OperatingSystem = Microsoft.Azure.WebJobs.Extensions.DurableTask.OperatingSystem;

namespace Cosmo.Local.Host.WebJobs;

/// <summary>A function that runs out of time takes its worker with it, as on Azure.</summary>
internal sealed class FunctionTimeouts(WorkerSupervisor workers, ILogger<FunctionTimeouts> logger) : IWebJobsExceptionHandler
{
    public async Task OnTimeoutExceptionAsync(ExceptionDispatchInfo exceptionInfo, TimeSpan timeoutGracePeriod)
    {
        if (exceptionInfo.SourceException is not FunctionTimeoutException timeout)
        {
            return;
        }

        // The function has been told to stop, and may still do.
        if (timeout.Task is { } running && await Task.WhenAny(running, Task.Delay(timeoutGracePeriod)) == running)
        {
            return;
        }

        Log.FunctionTimedOut(logger, timeout.MethodName, timeout.InstanceId);
        workers.Replace();
    }

    public Task OnUnhandledExceptionAsync(ExceptionDispatchInfo exceptionInfo) => Task.CompletedTask;
}

/// <summary>An isolated worker on no cloud. Asked for itself, the extension would take this container for a consumption plan.</summary>
#pragma warning disable CS0612 // There is no other way to say it.
internal sealed class LocalPlatform : IPlatformInformation
{
    public bool IsInConsumptionPlan() => false;

    public bool IsManagedAppEnvironment() => false;

    public OperatingSystem GetOperatingSystem() => OperatingSystem.Windows;

    public WorkerRuntimeType GetWorkerRuntimeType() => WorkerRuntimeType.DotNetIsolated;

    public string? GetLinuxTenant() => null;

    public string? GetLinuxStampName() => null;

    public string? GetContainerName() => null;

    public bool UsesExternalPowerShellSDK() => false;
}
#pragma warning restore CS0612

/// <summary>Where an extension's own endpoint is: under <c>/runtime/webhooks</c>, behind the system key.</summary>
#pragma warning disable CS0618 // The extension asks for it.
internal sealed class WebHooks(Uri url) : IWebHookProvider
{
    public Uri GetUrl(IExtensionConfigProvider extension) => url;
}
#pragma warning restore CS0618

/// <summary>Settings between percent signs.</summary>
internal sealed class SettingNames(IConfiguration settings) : INameResolver
{
    public string? Resolve(string name) => settings[name.Replace("__", ":")];
}
