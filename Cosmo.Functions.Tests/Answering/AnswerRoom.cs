using System.Text;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Threads;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What the functions of this room that are asked over HTTP need, on one Redis, and a request.</summary>
internal sealed class AnswerRoom : IAsyncDisposable
{
    private readonly TestRedis _redis = new();

    public AnswerRoom(AccessOptions? access = null) => Access = new AccessSetup(_redis.Connection, TimeProvider.System, access);

    public RedisConnection Redis => _redis.Connection;

    public ManualTimeProvider Time { get; } = new();

    public AccessSetup Access { get; }

    public DefaultHttpContext Http { get; } = new();

    /// <summary>A Durable store that knows no orchestration, unless a test says so.</summary>
    public DurableTaskClient Client { get; } = Substitute.For<DurableTaskClient>("test");

    public FunctionContext Context { get; } = Substitute.For<FunctionContext>();

    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    public UpdateLog LogOn(RedisConnection redis) => new(redis, Options.Create(new DeliveryOptions()), Time);

    public TurnQueue TurnsOn(RedisConnection redis) => new(redis, LogOn(redis), Options.Create(new AnsweringOptions()));

    public MessageHistory HistoryOn(RedisConnection redis) => new(redis, Options.Create(new ThreadOptions()), Time);

    public static StopSignals SignalsOn(RedisConnection redis) => new(redis, NullLogger<StopSignals>.Instance);

    public Cancellation CancellationOn(RedisConnection redis) => new(TurnsOn(redis), LogOn(redis), SignalsOn(redis), NullLogger<Cancellation>.Instance);

    /// <summary>A message takes its place in its channel.</summary>
    public async Task<string> TakeAsync(MessageAddress address)
    {
        var instanceId = AnswerStarter.InstanceId(address);
        (await TurnsOn(Redis).TakeAsync(address, "Hi", [1], instanceId, 20, null, null, Stopping)).IsNew.ShouldBeTrue();
        return instanceId;
    }

    /// <summary>Two messages of a channel wait, and are asked together.</summary>
    public async Task MergeAsync(MessageAddress leader, MessageAddress other)
    {
        var turns = TurnsOn(Redis);
        foreach (var address in (MessageAddress[])[leader, other])
        {
            var ticket = MergeTicket.Of(address, new ChatMessage(address.Channel, address.MessageId, "Hi", Caller.Anonymous), DeliveryProperties.None, Time.GetUtcNow());
            await turns.TakeAsync(address, "Hi", [1], AnswerStarter.InstanceId(address), 20, null, ticket, Stopping);
        }

        (await turns.ClaimTogetherAsync(leader, AnswerStarter.InstanceId(leader), "run-1", 8000, Stopping)).Merged.ShouldHaveSingleItem();
    }

    /// <summary>The Durable store knows the orchestration of a message.</summary>
    public void Know(MessageAddress address, OrchestrationRuntimeStatus status)
    {
        var instanceId = AnswerStarter.InstanceId(address);
        var instance = new OrchestrationMetadata(nameof(AnswerMessage), instanceId) { RuntimeStatus = status };
        Client.GetInstanceAsync(instanceId, Arg.Any<CancellationToken>()).Returns(instance);
        Client.GetInstanceAsync(instanceId, Arg.Any<bool>(), Arg.Any<CancellationToken>()).Returns(instance);
    }

    /// <summary>All keys, without what the test's names begin with.</summary>
    public Task<IReadOnlyList<string>> KeysAsync() => _redis.KeysAsync(Stopping);

    /// <summary>The request is a user's of a back end.</summary>
    public async Task SignInAsync(string user, string channel) =>
        Http.Request.Headers.Authorization =
            $"Bearer {await Access.Tokens.CreateAsync(new SignedInUser(SignedInUser.Backend, new Caller(user, []), []), channel, TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(5), Stopping)}";

    public HttpRequest Asking(string body = "", string query = "")
    {
        (Http.Request.Body, Http.Request.QueryString) = (new MemoryStream(Encoding.UTF8.GetBytes(body)), new QueryString(query));
        return Http.Request;
    }

    public async ValueTask DisposeAsync()
    {
        Access.Dispose();
        await _redis.DisposeAsync();
    }
}
