using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Access;

internal static class AccessServiceCollectionExtensions
{
    /// <summary>The name of the <see cref="HttpClient"/> that speaks to the identity provider and to the host application.</summary>
    public const string ClientName = "Cosmo.Access";

    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.AddOptions<AccessOptions>().BindConfiguration(AccessOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<EventOptions>().BindConfiguration(EventOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<LimitOptions>().BindConfiguration(AccessOptions.Section).ValidateDataAnnotations().ValidateOnStart();

        // The factory's own loggers would write addresses, and one may have a key in it; a redirect would take the question to another host.
        services.AddHttpClient(
                ClientName,
                client =>
                {
                    client.MaxResponseContentBufferSize = 1_048_576;
                    client.Timeout = TimeSpan.FromSeconds(5);
                })
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) });
        return services
            .AddSingleton<PlatformIdentity>()
            .AddKeyedSingleton(AuthorityKeys.OfUsers, (services, _) => KeysOf(services, services.GetRequiredService<IOptions<AccessOptions>>().Value.Authority))
            .AddKeyedSingleton(AuthorityKeys.OfEvents, (services, _) => KeysOf(services, services.GetRequiredService<IOptions<EventOptions>>().Value.Authority))
            .AddSingleton<EventIdentity>()
            .AddSingleton<BearerIdentity>()
            .AddSingleton<BackendTokens>()
            .AddSingleton<UserNames>()
            .AddSingleton<ChannelOwners>()
            .AddSingleton<HostDecision>()
            .AddSingleton<ChannelAccess>()
            .AddSingleton<MessageLimits>()
            .AddSingleton<RequestLimits>()
            .AddSingleton<UsageLedger>();
    }

    private static AuthorityKeys KeysOf(IServiceProvider services, Uri? authority) =>
        new(services.GetRequiredService<IHttpClientFactory>(), authority, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<AuthorityKeys>>());
}
