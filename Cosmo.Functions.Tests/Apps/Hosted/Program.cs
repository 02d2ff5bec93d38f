using Microsoft.Azure.Functions.Worker.Builder;
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
builder.ConfigureFunctionsWebApplication();
builder.Build().Run();
