using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Access;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;

namespace Cosmo.Functions.Tests.Access;

/// <summary>The parts of the room on one Redis, with settings that a test may change.</summary>
internal sealed class AccessSetup : IHttpClientFactory, IDisposable
{
    private readonly AuthorityKeys _eventKeys;
    private readonly SocketsHttpHandler _handler = new() { AllowAutoRedirect = false };

    public AccessSetup(RedisConnection redis, TimeProvider clock, AccessOptions? options = null, string? platform = null, WebPubSubServiceClient? webPubSub = null, EventOptions? events = null)
    {
        Options = options ?? new AccessOptions();
        Events = events ?? new EventOptions();
        var (configuration, wrapped) = (new ConfigurationManager(), Microsoft.Extensions.Options.Options.Create(Options));
        configuration["WEBSITE_AUTH_ENABLED"] = platform;
        var identity = new PlatformIdentity(configuration, wrapped);
        Keys = new AuthorityKeys(this, Options.Authority, clock, NullLogger<AuthorityKeys>.Instance);
        Bearer = new BearerIdentity(Keys, wrapped);
        _eventKeys = new AuthorityKeys(this, Events.Authority, clock, NullLogger<AuthorityKeys>.Instance);
        Proof = new EventIdentity(_eventKeys, Microsoft.Extensions.Options.Options.Create(Events));
        Names = new UserNames(identity, wrapped);
        Owners = new ChannelOwners(redis, Names, wrapped, clock);
        Tokens = new BackendTokens(redis, clock);
        Decision = new HostDecision(this, wrapped, clock, NullLogger<HostDecision>.Instance);
        Channels = new ChannelAccess(Bearer, Tokens, identity, Owners, Decision, wrapped, NullLogger<ChannelAccess>.Instance);
        Groups = new GroupKeeper(
            Owners, webPubSub ?? Substitute.For<WebPubSubServiceClient>(), wrapped, Microsoft.Extensions.Options.Options.Create(new DeliveryOptions()), clock, NullLogger<GroupKeeper>.Instance);
    }

    public AccessOptions Options { get; }

    /// <summary>The names of users where a back end alone signs them in.</summary>
    public static UserNames BackendNames { get; } = new(
        new PlatformIdentity(new ConfigurationManager(), Microsoft.Extensions.Options.Options.Create(new AccessOptions())), Microsoft.Extensions.Options.Options.Create(new AccessOptions()));

    public EventOptions Events { get; }

    public EventIdentity Proof { get; }

    public AuthorityKeys Keys { get; }

    public BearerIdentity Bearer { get; }

    public UserNames Names { get; }

    public ChannelOwners Owners { get; }

    public BackendTokens Tokens { get; }

    public HostDecision Decision { get; }

    public ChannelAccess Channels { get; }

    public GroupKeeper Groups { get; }

    public HttpClient CreateClient(string name) => new(_handler, disposeHandler: false);

    public void Dispose()
    {
        Groups.Dispose();
        Keys.Dispose();
        _eventKeys.Dispose();
        _handler.Dispose();
    }
}
