using System.Text;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Tests.Messaging;

public sealed class DeadLetterQueueTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _clock = new();
    private readonly TestRedis _redis = new();
    private CosmoQueue _queue = null!;
    private RabbitMQPublisher _rabbitMQ = null!;
    private DeadLetters _deadLetters = null!;
    private DeadLetterQueue _letters = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _queue = await CosmoQueue.ConnectAsync();
        var options = _queue.OptionsAt();
        _rabbitMQ = new RabbitMQPublisher(options, TimeProvider.System);
        _deadLetters = new DeadLetters(_rabbitMQ, options, _clock, NullLogger<DeadLetters>.Instance);
        _letters = new DeadLetterQueue(_redis.Connection, options, TimeProvider.System, NullLogger<DeadLetterQueue>.Instance);
        using var topology = new Topology(_rabbitMQ, options, _clock, NullLogger<Topology>.Instance);
        await topology.DeclareAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _rabbitMQ.DisposeAsync();
        await _queue.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Letters_are_listed_newest_first_with_what_is_known_of_them()
    {
        await WriteAsync(1, "stalled");
        _clock.Advance(TimeSpan.FromMinutes(1));
        await WriteAsync(2, "overall");

        var list = await _letters.ListAsync(withBodies: false, cause: null, Cancellation);

        list.Count.ShouldBe(2u);
        list.Letters.Select(stored => stored.Letter).ShouldBe(
        [
            new StoredDeadLetter("letter-2", "overall", "why", _clock.GetUtcNow(), 1, "channel", "msg-2"),
            new StoredDeadLetter("letter-1", "stalled", "why", _clock.GetUtcNow() - TimeSpan.FromMinutes(1), 1, "channel", "msg-1"),
        ]);
        list.Letters.ShouldAllBe(stored => stored.Body == null);
    }

    [Fact]
    public async Task Reading_neither_loses_nor_reorders_them()
    {
        foreach (var number in Enumerable.Range(1, 300))
        {
            await WriteAsync(number, "stalled");
        }

        await _letters.ListAsync(withBodies: true, cause: null, Cancellation);
        (await _letters.DeleteAsync(letter => letter.Id == "letter-150", Cancellation)).ShouldBe(1);
        await _letters.ListAsync(withBodies: false, cause: null, Cancellation);

        var left = new List<string>();
        while (await _queue.Channel.BasicGetAsync(_queue.FailedQueue, autoAck: true, Cancellation) is { } letter)
        {
            left.Add(Encoding.UTF8.GetString(letter.Body.Span));
        }

        left.ShouldBe(Enumerable.Range(1, 300).Where(number => number != 150).Select(number => $"body {number}"));
    }

    [Fact]
    public async Task A_replay_keeps_body_and_properties_counts_the_attempt_and_says_no_more_of_the_failure()
    {
        await WriteAsync(1, "stalled");
        await WriteAsync(2, "stalled");

        (await _letters.ReplayAsync(letter => letter.Id == "letter-1", Cancellation)).ShouldBe(1);

        var again = (await _queue.Channel.BasicGetAsync(_queue.Queue, autoAck: true, Cancellation))!;
        Encoding.UTF8.GetString(again.Body.Span).ShouldBe("body 1");
        (again.BasicProperties.ContentType, again.BasicProperties.CorrelationId, again.BasicProperties.ReplyTo, again.BasicProperties.Priority)
            .ShouldBe(("text/plain", "corr", "answers", (byte)7));
        Headers(again).ToDictionary(header => header.Key, header => Encoding.UTF8.GetString((byte[])header.Value!))
            .ShouldBe(new Dictionary<string, string> { ["x-team"] = "ops", ["x-cosmo-attempt"] = "2" }, ignoreOrder: true);
        (await _letters.ListAsync(withBodies: true, cause: null, Cancellation)).Letters.ShouldHaveSingleItem().Letter.Id.ShouldBe("letter-2");
    }

    [Fact]
    public async Task A_letter_that_the_broker_does_not_take_back_stays_where_it_is()
    {
        await WriteAsync(1, "stalled");
        await _queue.Channel.QueueUnbindAsync(_queue.Queue, _queue.Exchange, CosmoQueue.RoutingKey, cancellationToken: Cancellation);

        await Should.ThrowAsync<PublishException>(_letters.ReplayAsync(_ => true, Cancellation));

        (await _letters.ListAsync(withBodies: false, cause: null, Cancellation)).Letters.ShouldHaveSingleItem().Letter.Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task Letters_of_one_cause_are_replayed_in_their_order_and_the_others_stay()
    {
        await WriteAsync(1, "stalled");
        await WriteAsync(2, "overall");
        await WriteAsync(3, "stalled");

        (await _letters.ReplayAsync(letter => letter.Cause == "stalled", Cancellation)).ShouldBe(2);

        Encoding.UTF8.GetString((await _queue.Channel.BasicGetAsync(_queue.Queue, autoAck: true, Cancellation))!.Body.Span).ShouldBe("body 1");
        Encoding.UTF8.GetString((await _queue.Channel.BasicGetAsync(_queue.Queue, autoAck: true, Cancellation))!.Body.Span).ShouldBe("body 3");
        (await _letters.ListAsync(withBodies: false, cause: null, Cancellation)).Letters.ShouldHaveSingleItem().Letter.Id.ShouldBe("letter-2");
    }

    [Fact]
    public async Task A_message_that_the_broker_gave_up_is_a_letter_like_any_other()
    {
        await _queue.SendAsync("""{"channel": "c", "message_id": "m", "message": "x"}"""u8.ToArray(), new BasicProperties { Expiration = "1" });
        while (await _queue.CountDeadLettersAsync() == 0)
        {
            await Task.Delay(20, Cancellation);
        }

        var letter = (await _letters.ListAsync(withBodies: false, cause: null, Cancellation)).Letters.ShouldHaveSingleItem().Letter;
        (await _letters.ReplayAsync(other => other.Id == letter.Id, Cancellation)).ShouldBe(1);

        (letter.Cause, letter.Attempt, letter.Channel, letter.MessageId).ShouldBe(("expired", 1, "c", "m"));
        letter.FailedAt.ShouldNotBeNull();
        var again = (await _queue.Channel.BasicGetAsync(_queue.Queue, autoAck: true, Cancellation))!;
        Headers(again).Select(header => header.Key).ShouldBe(["x-cosmo-attempt"]);
    }

    [Fact]
    public async Task A_replay_in_batches_that_breaks_off_goes_on_where_it_was_and_its_count_is_true()
    {
        foreach (var number in Enumerable.Range(1, 30))
        {
            await WriteAsync(number, number % 3 == 0 ? "overall" : "stalled");
        }

        var visited = 0;
        await Should.ThrowAsync<IOException>(_letters.ReplayAsync(
            letter => ++visited <= 5 ? letter.Cause == "stalled" : throw new IOException("The worker died."), "run", 10, 100, Cancellation));
        await _redis.Connection.RunAsync(database => database.StringSetAsync(_redis.Connection.Prefix + "dead-letters:lock", "run"), Cancellation);
        var second = await _letters.ReplayAsync(letter => letter.Cause == "stalled", "run", 10, 100, Cancellation);
        var third = await _letters.ReplayAsync(letter => letter.Cause == "stalled", "run", 10, 100, Cancellation);

        (second, third).ShouldBe((new ReplayBatch(BatchState.More, 14), new ReplayBatch(BatchState.NoneLeft, 20)));
        var bodies = new List<string>();
        while (await _queue.Channel.BasicGetAsync(_queue.Queue, autoAck: true, Cancellation) is { } again)
        {
            bodies.Add(Encoding.UTF8.GetString(again.Body.Span));
        }

        bodies.ShouldBe(Enumerable.Range(1, 30).Where(number => number % 3 != 0).Select(number => $"body {number}"));
        (await _letters.ListAsync(withBodies: false, cause: null, Cancellation)).Letters.Count.ShouldBe(10);
    }

    [Fact]
    public async Task Nothing_is_put_back_in_batches_while_too_much_waits_in_the_queue()
    {
        await WriteAsync(1, "stalled");
        await _queue.SendAsync("one"u8.ToArray());
        await _queue.SendAsync("two"u8.ToArray());

        (await _letters.ReplayAsync(_ => true, "run", 10, mostWaiting: 1, Cancellation)).ShouldBe(new ReplayBatch(BatchState.QueueIsFull, 0));
        (await _letters.ReplayAsync(_ => true, "run", 10, mostWaiting: 2, Cancellation)).ShouldBe(new ReplayBatch(BatchState.NoneLeft, 1));
    }

    [Fact]
    public async Task One_operation_runs_at_a_time()
    {
        await WriteAsync(1, "stalled");
        var inside = new TaskCompletionSource();
        var first = _letters.ReplayAsync(
            _ =>
            {
                Should.Throw<DeadLettersBusyException>(() => _letters.ListAsync(withBodies: false, cause: null, Cancellation).GetAwaiter().GetResult());
                inside.SetResult();
                return false;
            },
            Cancellation);

        await inside.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        (await first).ShouldBe(0);
        (await _letters.ListAsync(withBodies: false, cause: null, Cancellation)).Count.ShouldBe(1u);
    }

    [Fact]
    public async Task Letters_of_one_cause_are_listed_beside_how_many_there_are_of_all()
    {
        await WriteAsync(1, "stalled");
        await WriteAsync(2, "overall");

        var list = await _letters.ListAsync(withBodies: true, "overall", Cancellation);

        list.Count.ShouldBe(2u);
        var (letter, body) = list.Letters.ShouldHaveSingleItem();
        (letter.Id, Encoding.UTF8.GetString(body!)).ShouldBe(("letter-2", "body 2"));
    }

    [Theory]
    [InlineData(0, new[] { true, true, true })]
    [InlineData(1, new[] { true, true, false })]
    [InlineData(4_194_305, new[] { true, false, false })]
    public async Task Of_many_bodies_the_newest_that_fit_are_listed(int beyond, bool[] hasBody)
    {
        foreach (var (number, length) in new[] { (1, 1), (2, 4_194_304), (3, 4_194_303 + beyond) })
        {
            await _deadLetters.WriteAsync(
                new DeadLetter(new byte[length], DeliveryProperties.None, "stalled", "why", "channel", $"msg-{number}") { Id = $"letter-{number}" }, Cancellation);
        }

        var list = await _letters.ListAsync(withBodies: true, cause: null, Cancellation);

        list.Letters.Select(stored => (stored.Letter.Id, stored.Body is not null)).ShouldBe([("letter-3", hasBody[0]), ("letter-2", hasBody[1]), ("letter-1", hasBody[2])]);
        (await _letters.ListAsync(withBodies: false, cause: null, Cancellation)).Letters.Select(stored => (stored.Letter.Id, stored.Body)).ShouldBe([("letter-3", null), ("letter-2", null), ("letter-1", null)]);
    }

    [Fact]
    public async Task What_takes_too_long_ends_and_what_was_not_looked_at_stays_for_the_next()
    {
        foreach (var number in Enumerable.Range(1, 3))
        {
            await WriteAsync(number, "stalled");
        }

        var seen = new List<string?>();
        var slow = new DeadLetterQueue(_redis.Connection, _queue.OptionsAt(), _clock, NullLogger<DeadLetterQueue>.Instance);

        (await Should.ThrowAsync<TimeoutException>(slow.DeleteAsync(
            letter =>
            {
                seen.Add(letter.Id);
                _clock.Advance(TimeSpan.FromSeconds(letter.Id == "letter-1" ? 99 : 1));
                return false;
            },
            Cancellation))).Message.ShouldBe("The dead letters took longer than 100 s.");
        seen.ShouldBe(["letter-1", "letter-2"]);
        using var over = new CancellationTokenSource();
        await Should.ThrowAsync<OperationCanceledException>(_letters.DeleteAsync(
            _ =>
            {
                over.Cancel();
                return true;
            },
            over.Token));

        (await _letters.ListAsync(withBodies: false, cause: null, Cancellation)).Letters.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_lock_that_cannot_be_given_back_ends_by_itself_and_another_s_is_not_given_back()
    {
        await WriteAsync(1, "stalled");
        await using var redis = new InterceptedRedis(_redis.Prefix, "'DEL'", () => Task.FromException(new StackExchange.Redis.RedisException("away")));
        var failing = new DeadLetterQueue(redis, _queue.OptionsAt(), TimeProvider.System, NullLogger<DeadLetterQueue>.Instance);
        var key = _redis.Prefix + "dead-letters:lock";

        (await failing.ListAsync(withBodies: false, cause: null, Cancellation)).Count.ShouldBe(1u);

        (await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(key), Cancellation))!.Value.ShouldBeInRange(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(120));
        await _redis.Connection.RunAsync(database => database.KeyDeleteAsync(key), Cancellation);
        await _letters.DeleteAsync(
            _ =>
            {
                _redis.Connection.RunAsync(database => database.StringSetAsync(key, "another's"), Cancellation).GetAwaiter().GetResult();
                return false;
            },
            Cancellation);
        await Should.ThrowAsync<DeadLettersBusyException>(_letters.ListAsync(withBodies: false, cause: null, Cancellation));
    }

    [Fact]
    public async Task What_a_replay_has_put_back_is_known_for_a_day()
    {
        await WriteAsync(1, "stalled");

        await _letters.ReplayAsync(_ => true, "run", 10, 100, Cancellation);

        (await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(_redis.Prefix + "dead-letters:replayed:run"), Cancellation))!.Value
            .ShouldBeInRange(TimeSpan.FromHours(23), TimeSpan.FromHours(24));
    }

    /// <summary>But for the one that the client itself adds.</summary>
    private static IEnumerable<KeyValuePair<string, object?>> Headers(BasicGetResult letter) =>
        letter.BasicProperties.Headers!.Where(header => header.Key != DeliveryProperties.PublicationHeader);

    private Task WriteAsync(int number, string cause) => _deadLetters.WriteAsync(
        new DeadLetter(
            Encoding.UTF8.GetBytes($"body {number}"),
            new DeliveryProperties("text/plain", "corr", "answers", null, null, 7, null, null, null, new Dictionary<string, string> { ["x-team"] = "ops" }),
            cause,
            "why",
            "channel",
            $"msg-{number}")
        { Id = $"letter-{number}" },
        Cancellation);
}
