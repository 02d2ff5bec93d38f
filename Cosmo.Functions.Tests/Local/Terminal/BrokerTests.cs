using System.Net;
using System.Net.Sockets;
using System.Text;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Brokers;

namespace Cosmo.Functions.Tests.Local.Terminal;

public sealed class BrokerTests : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public BrokerTests() => _listener.Start();

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose()
    {
        _listener.Dispose();
        _limit.Dispose();
    }

    [Theory]
    [InlineData("redis://127.0.0.1", "", "", 6379)]
    [InlineData("redis://:p%40ss@localhost:6390/0", "", "p@ss", 6390)]
    [InlineData("redis://me:secret@localhost:1", "me", "secret", 1)]
    public void A_URL_of_Redis_is_read(string url, string user, string password, int port)
    {
        var address = RedisBroker.At(url).Address;

        (address.User, address.Password, address.Port, address.IsLocal, address.IsSecure).ShouldBe((user, password, port, true, false));
    }

    [Theory]
    [InlineData("amqp://127.0.0.1", "guest", "guest", 5672, "/")]
    [InlineData("amqp://me:a%2Fb@[::1]:9/my%2Fhost", "me", "a/b", 9, "my/host")]
    public void A_URL_of_RabbitMQ_is_read(string url, string user, string password, int port, string virtualHost)
    {
        var broker = RabbitMQBroker.At(url);

        (broker.User, broker.Password, broker.Address.Port, broker.VirtualHost, broker.Address.IsLocal).ShouldBe((user, password, port, virtualHost, true));
    }

    [Fact]
    public void Another_machine_and_TLS_are_seen()
    {
        var address = RabbitMQBroker.At("amqps://broker.example.com").Address;

        (address.IsLocal, address.IsSecure, address.Port).ShouldBe((false, true, 5671));
    }

    [Theory]
    [InlineData(null, "REDIS_URL is not set")]
    [InlineData("127.0.0.1:6379", "REDIS_URL")]
    [InlineData("redis://", "REDIS_URL is not a URL of the form redis://user:password@host:port")]
    [InlineData("http://127.0.0.1", "REDIS_URL must begin with redis:// or rediss://.")]
    public void A_URL_that_is_none_is_told_in_one_sentence(string? url, string sentence) =>
        Should.Throw<StartupException>(() => RedisBroker.At(url)).Message.ShouldContain(sentence);

    [Fact]
    public async Task A_Redis_that_runs_answers() =>
        (await RedisBroker.At(SharedServers.RedisUrl).AskAsync(_limit.Token)).State.ShouldBe(BrokerState.Answers);

    [Fact]
    public async Task A_RabbitMQ_that_runs_answers() =>
        (await RabbitMQBroker.At(SharedServers.RabbitMQUrl).AskAsync(_limit.Token)).State.ShouldBe(BrokerState.Answers);

    [Fact]
    public async Task A_RabbitMQ_refuses_a_wrong_password()
    {
        var url = new UriBuilder(SharedServers.RabbitMQUrl) { UserName = "guest", Password = "wrong" }.Uri.AbsoluteUri;

        (await RabbitMQBroker.At(url).AskAsync(_limit.Token)).ShouldBe(BrokerAnswer.No("it refuses the user guest"));
    }

    [Fact]
    public async Task Where_nothing_listens_no_broker_is()
    {
        (await RedisBroker.At("redis://127.0.0.1:1").AskAsync(_limit.Token)).State.ShouldBe(BrokerState.Absent);
        (await RabbitMQBroker.At("amqp://127.0.0.1:1").AskAsync(_limit.Token)).State.ShouldBe(BrokerState.Absent);
    }

    [Theory]
    [InlineData("+OK\r\n+PONG\r\n", true, "")]
    [InlineData("-WRONGPASS invalid password\r\n", false, "it says \"WRONGPASS invalid password\"")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n", false, "what listens there is not Redis")]
    [InlineData("", false, "what listens there is not Redis")]
    public async Task What_listens_in_the_place_of_Redis_is_understood(string says, bool answers, string reason)
    {
        var heard = AnswerAsync(says);

        var answer = await RedisBroker.At($"redis://:secret@127.0.0.1:{Port}").AskAsync(_limit.Token);

        answer.ShouldBe(answers ? BrokerAnswer.Yes : BrokerAnswer.No(reason));
        (await heard).ShouldBe("*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*1\r\n$4\r\nPING\r\n");
    }

    [Fact]
    public async Task What_listens_in_the_place_of_RabbitMQ_is_not_taken_for_it()
    {
        _ = AnswerAsync("");
        var next = AnswerAsync("HTTP/1.1 400 Bad Request\r\n\r\n");

        var answer = await RabbitMQBroker.At($"amqp://127.0.0.1:{Port}").AskAsync(_limit.Token);

        answer.ShouldBe(BrokerAnswer.No("what listens there is not RabbitMQ"));
        (await next).ShouldStartWith("AMQP");
    }

    /// <summary>Takes one connection, says something once it was spoken to, and closes.</summary>
    /// <returns>What it heard.</returns>
    private async Task<string> AnswerAsync(string says)
    {
        using var client = await _listener.AcceptTcpClientAsync(_limit.Token);
        await using var stream = client.GetStream();
        var heard = new byte[200];
        var length = await stream.ReadAsync(heard, _limit.Token);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(says), _limit.Token);
        return Encoding.UTF8.GetString(heard, 0, length);
    }
}
