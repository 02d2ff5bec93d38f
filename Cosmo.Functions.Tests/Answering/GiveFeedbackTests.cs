using Cosmo.Functions.Answering.Feedback;
using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What is answered to feedback over HTTP.</summary>
public sealed class GiveFeedbackTests : IAsyncDisposable
{
    private readonly AnswerRoom _room = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Theory]
    [InlineData("""{"rating": "up"}""", "up", null)]
    [InlineData("""{"rating": "down", "comment": null}""", "down", null)]
    [InlineData("""{"rating": "down", "comment": ""}""", "down", null)]
    [InlineData("""{"rating": "down", "comment": "Wrong."}""", "down", "Wrong.")]
    public async Task What_is_thought_of_an_answer_is_kept_with_who_says_it_and_when(string body, string rating, string? comment)
    {
        await EndAsync();
        await _room.SignInAsync("ana", "team/a");

        (await GiveAsync(body)).ShouldBeOfType<NoContentResult>();

        (await Ledger(_room.Redis).ReadAsync(1, null, 10, Cancellation)).Feedback.ShouldBe([new GivenFeedback("team/a", "m/1", rating, comment, _room.Time.GetUtcNow(), "backend:ana")]);
    }

    [Fact]
    public async Task A_stranger_has_no_name()
    {
        await EndAsync();

        (await GiveAsync("""{"rating": "up"}""")).ShouldBeOfType<NoContentResult>();

        (await Ledger(_room.Redis).ReadAsync(1, null, 10, Cancellation)).Feedback.ShouldHaveSingleItem().User.ShouldBeNull();
    }

    [Theory]
    [InlineData("{}", "'rating' must be up or down, in a JSON object.")]
    [InlineData("up", "'rating' must be up or down, in a JSON object.")]
    [InlineData("""{"rating": "best"}""", "'rating' must be up or down, in a JSON object.")]
    [InlineData("""{"rating": 1}""", "'rating' must be up or down, in a JSON object.")]
    [InlineData("""{"rating": "up", "comment": 1}""", "'comment' must be a text of at most 2000 characters.")]
    public async Task What_is_no_feedback_is_refused_and_not_kept(string body, string detail)
    {
        await EndAsync();

        (await GiveAsync(body)).Told().ShouldBe((400, "Not feedback", detail));

        (await Ledger(_room.Redis).ReadAsync(1, null, 10, Cancellation)).Feedback.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(2000, null)]
    [InlineData(2001, 400)]
    [InlineData(65_537, 413)]
    public async Task A_comment_has_an_end(int length, int? refused)
    {
        await EndAsync();

        (await GiveAsync($$"""{"rating": "up", "comment": "{{new string('a', length)}}"}""") as ObjectResult)?.StatusCode.ShouldBe(refused);
        (await Ledger(_room.Redis).ReadAsync(1, null, 10, Cancellation)).Feedback.Count.ShouldBe(refused is null ? 1 : 0);
    }

    [Fact]
    public async Task A_message_without_an_end_is_not_known()
    {
        (await GiveAsync("""{"rating": "up"}""")).Told().ShouldBe((404, "No such message", "The channel has no message of this id that has had its final update, or it was long ago."));
    }

    [Theory]
    [InlineData(" ", "m1", "Not a channel")]
    [InlineData("c1", " ", "Not a message")]
    public async Task A_route_that_names_no_message_is_refused(string channel, string messageId, string title)
    {
        var (status, told, _) = (await GiveAsync("""{"rating": "up"}""", channel, messageId)).Told();

        (status, told).ShouldBe((400, title));
    }

    [Fact]
    public async Task Who_may_not_listen_says_nothing()
    {
        await EndAsync();
        await _room.SignInAsync("ana", "another");

        (await GiveAsync("""{"rating": "up"}""")).Told().Status.ShouldBe(403);
    }

    [Fact]
    public async Task Without_Redis_it_is_to_be_tried_again()
    {
        await using var nowhere = TestRedis.Nowhere();

        (await GiveAsync("""{"rating": "up"}""", redis: nowhere)).Told().ShouldBe((503, "Redis is not available", "The feedback could not be kept. Please try again in a moment."));
    }

    private FeedbackLedger Ledger(RedisConnection redis) => new(redis, _room.Time);

    private Task EndAsync() => _room.HistoryOn(_room.Redis).RecordAsync(new("team/a", "m/1", 1), [], "completed", _room.Time.GetUtcNow(), [], Cancellation);

    private Task<IActionResult> GiveAsync(string body, string channel = "team%2Fa", string messageId = "m%2F1", RedisConnection? redis = null) =>
        new GiveFeedback(_room.Access.Channels, _room.HistoryOn(redis ?? _room.Redis), Ledger(redis ?? _room.Redis), _room.Time, NullLogger<GiveFeedback>.Instance)
            .RunAsync(_room.Asking(body), channel, messageId, _room.Context);
}
