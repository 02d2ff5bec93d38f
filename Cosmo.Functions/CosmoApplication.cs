using Cosmo.Functions.Access;
using Cosmo.Functions.Administration;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Receiving;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cosmo.Functions;

/// <summary>Puts the rooms together.</summary>
internal static class CosmoApplication
{
    public static IHostApplicationBuilder AddCosmo(this IHostApplicationBuilder builder)
    {
        SettingNames.AddFlatNames(builder.Configuration);
        // What Durable says of every step is told by Cosmo's own lines, and each line costs a message to the host.
        builder.Logging.AddFilter("Microsoft.DurableTask", LogLevel.Warning);

        // Its line for each request has the whole address, and with it a key that stands there.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.AddOptions<RedisOptions>().BindConfiguration(RedisOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services
            .AddSingleton<RedisConnection>()
            .AddMessaging()
            .AddAccess()
            .AddDelivery()
            .AddTools()
            .AddAssistants()
            .AddThreads()
            .AddAnswering()
            .AddReceiving()
            .AddAdministration();
        return builder;
    }
}
