using System.Buffers.Text;
using System.Text;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Threads;
using Cosmo.Functions.Threads;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

public sealed class HistoryReaderTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly IAssistant _assistant = Substitute.For<IAssistant>();
    private readonly MessageHistory _history;
    private readonly HistoryReader _reader;

    /// <summary>Oldest first.</summary>
    private readonly List<ConversationItem> _items = [];

    private int _pageSize = 100;

    public HistoryReaderTests()
    {
        _history = new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), _clock);
        _reader = new HistoryReader(_assistant, new ThreadReader(_redis.Connection), _history);
        _assistant.ReadAsync("conv_1", Arg.Any<string?>(), Arg.Any<CancellationToken>()).Returns(call => Page(call.ArgAt<string?>(1)));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task An_answer_is_what_stands_between_two_questions_with_its_tools_in_the_order_of_their_first_calls()
    {
        await OpenAsync();
        var askedAt = _clock.GetUtcNow();
        Ask("Weather?");
        Call("forecast");
        Call("radar");
        Say("I look.");
        Call("forecast");
        Say("It is sunny.");
        await EndAsync("m1", ["I look.", "It is sunny."], after: TimeSpan.FromSeconds(3));
        Ask("Thanks");
        Say("");
        Say("You are welcome.");
        Add(new ConversationItem("reasoning", "rs_1", null, null, ""));
        Call("never_said");

        var page = (await _reader.ReadAsync("channel", 100, null, Cancellation))!;

        page.Messages.Select(message => (message.Id, message.MessageId, message.Role, message.Text, message.Status)).ShouldBe(
        [
            (IdOf("You are welcome."), null, "assistant", "You are welcome.", null),
            (IdOf("Thanks"), null, "user", "Thanks", null),
            (IdOf("It is sunny."), "m1", "assistant", "I look.\n\nIt is sunny.", "completed"),
            (IdOf("Weather?"), "m1", "user", "Weather?", null),
        ]);
        page.Messages.Select(message => message.CreatedAt).ShouldBe([null, null, askedAt + TimeSpan.FromSeconds(3), askedAt]);
        page.Messages.Select(message => message.Tools is { } tools ? string.Join(' ', tools) : null).ShouldBe([null, null, "forecast radar", null]);
        page.Next.ShouldBeNull();
    }

    /// <summary>The whole of it is known from the test above and those below; pages of any size give the same, however the service cuts its own.</summary>
    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 100)]
    [InlineData(3, 4)]
    [InlineData(1, 3)]
    [InlineData(5, 2)]
    public async Task Pages_of_any_size_give_each_message_once_as_the_whole_does(int limit, int pageSize)
    {
        await ManyAsync();
        var whole = (await _reader.ReadAsync("channel", 100, null, Cancellation))!;
        whole.Next.ShouldBeNull();
        whole.Messages.Select(message => (message.MessageId, message.Text)).ShouldBe(
        [
            ("m6", "Six."), ("m6", "Six?"),
            (null, "Five"), (null, "Five?"),
            ("m4", "Four."), ("m4c", "Four c?"), ("m4b", "Four b?"), ("m4", "Four a?"),
            ("m3", "Three again."), ("m3", "Three?"),
            ("m2", "Two and\n\nmore."), ("m2", "Two?"),
            ("m1", "One."), ("m1", "One?"),
        ]);
        _pageSize = pageSize;
        var pages = new List<HistoryPage>();
        do
        {
            pages.Count.ShouldBeLessThan(whole.Messages.Count);
            pages.Add((await _reader.ReadAsync("channel", limit, pages.Count == 0 ? null : HistoryCursor.Parse(pages[^1].Next!), Cancellation))!);
        }
        while (pages[^1].Next is not null);

        pages.SelectMany(page => page.Messages).Select(Describe).ShouldBe(whole.Messages.Select(Describe));
        pages.ShouldAllBe(page => page.Messages.Count <= limit);
        pages.SkipLast(1).ShouldAllBe(page => page.Messages.Count == limit);
    }

    [Fact]
    public async Task Of_questions_that_were_asked_together_with_one_that_was_tried_again_the_others_stay()
    {
        await OpenAsync();
        Ask("One?");
        Ask("Two?");
        Say("Broken");
        await EndAsync("m1", ["Broken"], status: "timeout", merged: [Other("m2")]);
        Ask("One again?");
        Say("One.");
        await EndAsync("m1", ["One."], attempt: 2);

        (await _reader.ReadAsync("channel", 100, null, Cancellation))!.Messages.Select(message => (message.MessageId, message.Text)).ShouldBe(
            [("m1", "One."), ("m1", "One again?"), ("m2", "Two?")]);
    }

    [Fact]
    public async Task Two_answers_without_a_question_between_them_are_two()
    {
        await OpenAsync();
        Ask("One?");
        Say("One.");
        await EndAsync("m1", ["One."]);
        Say("Two,");
        Say("later.");
        await EndAsync("m2", ["Two,", "later."]);

        (await _reader.ReadAsync("channel", 100, null, Cancellation))!.Messages.Select(message => (message.MessageId, message.Text)).ShouldBe(
            [("m2", "Two,\n\nlater."), ("m1", "One."), ("m1", "One?")]);
    }

    [Fact]
    public async Task What_is_known_of_one_piece_of_an_answer_holds_for_all_of_it_and_for_none_before_it()
    {
        await OpenAsync();
        Ask("Old?");
        Say("Old.");
        Ask("One?");
        Say("I look.");
        Say("One.");

        // Of what was asked together one question does not stand there.
        await EndAsync("m1", ["One."], merged: [Other("m2")]);

        (await _reader.ReadAsync("channel", 100, null, Cancellation))!.Messages.Select(message => (message.MessageId, message.Text)).ShouldBe(
            [("m1", "I look.\n\nOne."), ("m2", "One?"), (null, "Old."), (null, "Old?")]);
    }

    [Fact]
    public async Task A_cursor_behind_the_last_question_of_an_answer_needs_nothing_of_it()
    {
        await OpenAsync();
        Ask("Unanswered?");
        Ask("One?");
        Say("One.");
        await EndAsync("m1", ["One."]);

        var page = (await _reader.ReadAsync("channel", 2, null, Cancellation))!;

        HistoryCursor.Parse(page.Next!).ShouldBe(new HistoryCursor(IdOf("One?"), null, 0));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("thread_1")]
    [InlineData("conv_gone")]
    public async Task A_channel_whose_thread_is_none_of_the_service_has_no_messages(string? threadId)
    {
        await OpenAsync(threadId);
        _assistant.ReadAsync("conv_gone", Arg.Any<string?>(), Arg.Any<CancellationToken>()).Returns((ThreadPage?)null);

        (await _reader.ReadAsync("channel", 100, null, Cancellation)).ShouldBe(HistoryPage.Empty);
        (await _reader.ReadAsync("channel", 100, new(IdOf("One?"), null, 0), Cancellation)).ShouldBe(HistoryPage.Empty);
        await _assistant.Received(threadId == "conv_gone" ? 3 : 0).ReadAsync(Arg.Any<string>(), Arg.Any<string?>(), Arg.Any<CancellationToken>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cursor_of_an_item_that_is_gone_is_none(bool isRefused)
    {
        await OpenAsync();
        Ask("One?");
        _assistant.ReadAsync("conv_1", IdOf("Gone"), Arg.Any<CancellationToken>()).Returns(
            _ => isRefused ? throw new AssistantException(AssistantFailure.InvalidRequest, "No such item.") : (ThreadPage?)null);

        (await _reader.ReadAsync("channel", 100, new(IdOf("Gone"), null, 0), Cancellation)).ShouldBeNull();
    }

    [Theory]
    [InlineData(null, "invalid_request")]
    [InlineData("One?", "connection")]
    public async Task What_else_the_service_fails_with_is_said(string? after, string cause)
    {
        await OpenAsync();
        var failure = cause == "connection" ? AssistantFailure.Connection : AssistantFailure.InvalidRequest;
        var cursor = after is null ? null : new HistoryCursor(IdOf(after), null, 0);
        _assistant.ReadAsync("conv_1", cursor?.After, Arg.Any<CancellationToken>()).Returns<ThreadPage?>(_ => throw new AssistantException(failure, "No."));

        (await Should.ThrowAsync<AssistantException>(_reader.ReadAsync("channel", 100, cursor, Cancellation))).Failure.ShouldBe(failure);
    }

    [Fact]
    public async Task Ten_pages_of_the_service_are_read_for_one_and_the_next_goes_on_behind_them()
    {
        _pageSize = 2;
        await OpenAsync();
        Ask("One?");
        for (var i = 0; i < 20; i++)
        {
            Call($"tool_{i}");
        }

        Say("One.");
        var first = (await _reader.ReadAsync("channel", 5, null, Cancellation))!;
        await _assistant.Received(10).ReadAsync("conv_1", Arg.Any<string?>(), Arg.Any<CancellationToken>());

        first.Messages.ShouldHaveSingleItem().ShouldSatisfyAllConditions(answer => answer.Text.ShouldBe("One."), answer => answer.Tools!.Count.ShouldBe(19));
        var second = (await _reader.ReadAsync("channel", 5, HistoryCursor.Parse(first.Next!), Cancellation))!;
        second.Messages.ShouldHaveSingleItem().Text.ShouldBe("One?");
        second.Next.ShouldBeNull();
    }

    [Fact]
    public async Task A_page_of_the_service_without_an_item_is_the_last_one()
    {
        await OpenAsync();
        _assistant.ReadAsync("conv_1", null, Arg.Any<CancellationToken>()).Returns(new ThreadPage([], HasMore: true));

        (await _reader.ReadAsync("channel", 5, null, Cancellation))!.ShouldSatisfyAllConditions(page => page.Messages.ShouldBeEmpty(), page => page.Next.ShouldBeNull());
        await _assistant.Received(1).ReadAsync("conv_1", Arg.Any<string?>(), Arg.Any<CancellationToken>());
    }

    [Theory]
    [InlineData("msg_1", null, 0)]
    [InlineData("msg_1", "msg_2", 0)]
    [InlineData("msg_1", "msg_2", 9999)]
    public void A_cursor_is_read_as_it_was_written(string after, string? answer, int questions)
    {
        var cursor = new HistoryCursor(after, answer, questions);

        HistoryCursor.Parse(cursor.ToString()).ShouldBe(cursor);
    }

    [Theory]
    [InlineData("")]
    [InlineData("msg 1 2 3")]
    [InlineData("msg_1 ")]
    [InlineData("msg_1 msg_2 12345")]
    [InlineData("msg_1 msg_2 -1")]
    [InlineData("msg/1")]
    [InlineData("msg_1\n")]
    public void What_is_no_cursor_is_none(string text)
    {
        HistoryCursor.Parse(Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text))).ShouldBeNull();
        HistoryCursor.Parse("no base64!").ShouldBeNull();
    }

    [Theory]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void Ids_in_a_cursor_have_an_end(int length, bool isCursor) =>
        (HistoryCursor.Parse(new HistoryCursor(new string('a', length), new string('b', length), 1).ToString()) is not null).ShouldBe(isCursor);

    /// <summary>Messages of every kind: one, one in two pieces, one tried again, three asked together, one that is not known, and one with tools.</summary>
    private async Task ManyAsync()
    {
        await OpenAsync();
        Ask("One?");
        Say("One.");
        await EndAsync("m1", ["One."]);
        Ask("Two?");
        Say("Two and");
        Call("tool");
        Say("more.");
        await EndAsync("m2", ["Two and", "more."]);
        Ask("Three");
        Say("Three fai");
        await EndAsync("m3", ["Three fai"], status: "timeout");
        Ask("Three?");
        Say("Three again.");
        await EndAsync("m3", ["Three again."], attempt: 2);
        Ask("Four a?");
        Ask("Four b?");
        Ask("Four c?");
        Call("tool");
        Say("Four.");
        await EndAsync("m4", ["Four."], merged: [Other("m4b"), Other("m4c")]);
        Ask("Five?");
        Say("Five");
        Ask("Six?");
        Call("tool");
        Say("Six.");
        await EndAsync("m6", ["Six."]);
    }

    /// <summary>As the service's are: no character that a cursor may not have.</summary>
    private static string IdOf(string text) => "msg_" + Convert.ToHexString(Encoding.UTF8.GetBytes(text));

    private static string Describe(HistoryMessage message) => $"{message.Id} {message.MessageId} {message.Role} {message.Text} {message.CreatedAt:O} {message.Status} {string.Join(',', message.Tools ?? [])}";

    private async Task OpenAsync(string? threadId = "conv_1")
    {
        if (threadId is not null)
        {
            await new ThreadRoom(_redis.Connection).Store.SaveAsync("channel", threadId, Cancellation);
        }
    }

    private void Ask(string text) => Add(ConversationItem.Question(text) with { Id = IdOf(text) });

    private void Say(string text) => Add(ConversationItem.Answer(text) with { Id = IdOf(text) });

    private void Call(string name) => Add(new ConversationItem(ConversationItem.FunctionCall, $"fc_{_items.Count}", $"call_{_items.Count}", name, "{}"));

    private void Add(ConversationItem item) => _items.Add(item);

    private MergedMessage Other(string messageId) => new(new MessageAddress("channel", messageId, 1), messageId, DeliveryProperties.None, _clock.GetUtcNow());

    private async Task EndAsync(string messageId, string[] texts, string status = "completed", int attempt = 1, MergedMessage[]? merged = null, TimeSpan? after = null)
    {
        var askedAt = _clock.GetUtcNow();
        _clock.Advance(after ?? TimeSpan.FromSeconds(1));
        await _history.RecordAsync(new("channel", messageId, attempt), texts.Select(text => IdOf(text)), status, askedAt, merged ?? [], Cancellation);
    }

    private ThreadPage Page(string? after)
    {
        var newestFirst = Enumerable.Reverse(_items).ToList();
        var rest = newestFirst.Skip(after is null ? 0 : newestFirst.FindIndex(item => item.Id == after) + 1).ToList();
        return new ThreadPage([.. rest.Take(_pageSize)], rest.Count > _pageSize);
    }
}
