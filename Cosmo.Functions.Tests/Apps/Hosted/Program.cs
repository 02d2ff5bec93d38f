using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

if (Environment.GetEnvironmentVariable("HOSTED_FAILURE") is { } failure)
{
    throw new InvalidOperationException(failure);
}

if (Environment.GetEnvironmentVariable("HOSTED_SILENCE") is not null)
{
    Thread.Sleep(Timeout.Infinite);
}

var builder = FunctionsApplication.CreateBuilder(args);
if (Environment.GetEnvironmentVariable("HOSTED_DEAFNESS") is not null)
{
    builder.Services.AddHostedService<NeverStarted>();
}

builder.ConfigureFunctionsWebApplication();
builder.Build().Run();

/// <summary>Keeps what starts after it from starting: the HTTP server.</summary>
internal sealed class NeverStarted : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
