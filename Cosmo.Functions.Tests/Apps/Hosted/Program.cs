using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

// As often as its file has lines, or for ever.
if (Environment.GetEnvironmentVariable("HOSTED_FAILURE") is { } failure && Environment.GetEnvironmentVariable("HOSTED_FAILURES") is var file && (file is null || File.ReadAllLines(file).Length > 0))
{
    if (file is not null)
    {
        File.WriteAllLines(file, File.ReadAllLines(file).Skip(1));
    }

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
