using System.Text;
using Cosmo.Functions.Messaging;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Messaging;

/// <summary>What is read of a letter in the failed queue, whoever put it there.</summary>
public sealed class StoredDeadLetterTests
{
    private const string Queue = "cosmo_queue";
    private const string Body = """{"channel":"of the body","message_id":"m","message":"Hello"}""";

    [Fact]
    public void A_letter_of_Cosmos_says_all_itself()
    {
        Read(new()
        {
            ["x-cosmo-id"] = Text("letter-1"),
            ["x-cosmo-cause"] = Text("stalled"),
            ["x-cosmo-reason"] = Text("why"),
            ["x-cosmo-failed-at"] = Text("2026-01-31T12:00:00.0000000+00:00"),
            ["x-cosmo-attempt"] = Text("2"),
            ["x-cosmo-channel"] = Text("c"),
            ["x-cosmo-message-id"] = Text("msg-1"),
        }).ShouldBe(new StoredDeadLetter("letter-1", "stalled", "why", new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), 2, "c", "msg-1"));
    }

    [Fact]
    public void Of_a_letter_of_the_brokers_its_deaths_and_its_body_tell()
    {
        var letter = Read(new() { ["x-death"] = Deaths(Queue, 3, "expired") });

        (letter.Cause, letter.Reason, letter.Attempt, letter.Channel, letter.MessageId).ShouldBe(("expired", "The broker took it out of its queue (expired).", 3, "of the body", "m"));
        letter.FailedAt.ShouldBe(DateTimeOffset.FromUnixTimeSeconds(1_683_042_126));
    }

    [Fact]
    public void A_death_in_another_queue_is_no_attempt_and_one_without_a_count_is_one() =>
        (Read(new() { ["x-death"] = Deaths("other", 3, "expired") }).Attempt, Read(new() { ["x-death"] = Deaths(Queue, "many", "rejected") }).Attempt).ShouldBe((1, 1));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_that_says_nothing_failed_for_an_unknown_cause(bool hasDied)
    {
        var letter = Read(hasDied ? new() { ["x-death"] = new List<object> { new Dictionary<string, object?>() } } : []);

        (letter.Cause, letter.Reason, letter.FailedAt, letter.Attempt).ShouldBe(("unknown", "The broker took it out of its queue (unknown).", null, 1));
    }

    [Theory]
    [InlineData("3", 3)]
    [InlineData("0", 1)]
    [InlineData("x", 1)]
    public void One_that_was_moved_there_by_hand_is_the_attempt_that_it_says(string written, int attempt) =>
        Read(new() { ["x-cosmo-attempt"] = Text(written) }).Attempt.ShouldBe(attempt);

    [Fact]
    public void A_letter_without_an_id_has_one_of_what_it_is()
    {
        static string Id(string messageId, string reason, long time, string body) => StoredDeadLetter.Read(
            Letter(new BasicProperties { MessageId = messageId, Headers = new Dictionary<string, object?> { ["x-death"] = Deaths(Queue, 1, reason, time), ["x-cosmo-id"] = Text("") } }, body), Queue).Id;

        string[] ids = [Id("a", "expired", 1, "x"), Id("b", "expired", 1, "x"), Id("a", "rejected", 1, "x"), Id("a", "expired", 2, "x"), Id("a", "expired", 1, "y")];

        ids.ShouldBeUnique();
        ids.ShouldAllBe(id => id.Length == 32);
        Id("a", "expired", 1, "x").ShouldBe(ids[0]);
    }

    [Fact]
    public void A_replay_is_durable_counted_and_in_nobodys_name()
    {
        var letter = Letter(new BasicProperties { Persistent = false, UserId = "guest", CorrelationId = "corr", Headers = new Dictionary<string, object?> { ["x-cosmo-cause"] = Text("stalled"), ["x-team"] = Text("ops") } }, Body);

        var again = StoredDeadLetter.Read(letter, Queue).ForReplay(letter);

        (again.Persistent, again.IsUserIdPresent(), again.CorrelationId).ShouldBe((true, false, "corr"));
        again.Headers!.Keys.ShouldBe(["x-team", "x-cosmo-attempt"], ignoreOrder: true);
        again.Headers["x-cosmo-attempt"].ShouldBe("2");
    }

    private static StoredDeadLetter Read(Dictionary<string, object?> headers) => StoredDeadLetter.Read(Letter(new BasicProperties { Headers = headers }, Body), Queue);

    private static BasicGetResult Letter(BasicProperties properties, string body) => new(1, false, "", "", 0, properties, Encoding.UTF8.GetBytes(body));

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private static List<object> Deaths(string queue, object count, string reason, long time = 1_683_042_126) =>
    [
        new Dictionary<string, object?> { ["queue"] = Text(queue), ["count"] = count is int number ? (long)number : count, ["reason"] = Text(reason), ["time"] = new AmqpTimestamp(time) },
    ];
}
