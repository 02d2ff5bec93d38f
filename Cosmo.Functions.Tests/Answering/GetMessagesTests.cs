using Cosmo.Functions.Access;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Tests.Threads;
using Cosmo.Functions.Threads;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What is answered to who asks for what was said.</summary>
public sealed class GetMessagesTests : IAsyncLifetime
{
    private readonly AnswerRoom _room = new();
    private readonly IAssistant _assistant = Substitute.For<IAssistant>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await new ThreadRoom(_room.Redis).Store.SaveAsync("team/a", "conv_1", Cancellation);

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Theory]
    [InlineData("", 50)]
    [InlineData("?limit=1", 1)]
    [InlineData("?limit=100", 100)]
    public async Task So_many_of_the_newest_are_given_as_are_asked_for(string query, int count)
    {
        Say(120);

        var page = ((JsonResult)await GetAsync(query)).Value.ShouldBeOfType<HistoryPage>();

        page.Messages.Select(message => message.Text).ShouldBe(Enumerable.Range(0, count).Select(number => $"Text {number}"));
        page.Next.ShouldNotBeNull();
    }

    [Fact]
    public async Task An_operator_reads_whosever_the_channel_is()
    {
        Say(1);
        await using var strict = new AnswerRoom(new AccessOptions { Mode = "owner" });

        (await Function(strict.Access.Channels).RunAsync(_room.Asking(), "team%2Fa", _room.Context)).Told().Status.ShouldBe(401);

        ((JsonResult)await Function(strict.Access.Channels).RunAsOperatorAsync(_room.Asking(), "team%2Fa", _room.Context)).Value.ShouldBeOfType<HistoryPage>().Messages.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("?limit=0", "Not a number of messages", "'limit' must be a whole number from 1 to 100.")]
    [InlineData("?limit=101", "Not a number of messages", "'limit' must be a whole number from 1 to 100.")]
    [InlineData("?before=~", "Not a cursor", "'before' must be the 'next' of an earlier answer of this channel; a message that was deleted since is none any more.")]
    public async Task What_is_no_page_is_refused(string query, string title, string detail) => (await GetAsync(query)).Told().ShouldBe((400, title, detail));

    [Fact]
    public async Task A_cursor_whose_message_is_gone_is_refused()
    {
        Say(1);
        _assistant.ReadAsync("conv_1", "gone", Arg.Any<CancellationToken>()).Returns((ThreadPage?)null);

        (await GetAsync($"?before={new HistoryCursor("gone", null, 0)}")).Told().Title.ShouldBe("Not a cursor");
    }

    [Fact]
    public async Task A_route_that_names_no_channel_is_refused_to_operators_too()
    {
        (await Function().RunAsync(_room.Asking(), " ", _room.Context)).Told().Title.ShouldBe("Not a channel");
        (await Function().RunAsOperatorAsync(_room.Asking(), " ", _room.Context)).Told().Title.ShouldBe("Not a channel");
    }

    [Fact]
    public async Task An_outage_is_said()
    {
        _assistant.ReadAsync("conv_1", null, Arg.Any<CancellationToken>()).ThrowsAsync(new AssistantException(AssistantFailure.Connection, "For operators.") { Told = "Not now." });
        (await GetAsync("")).Told().ShouldBe((503, "OpenAI is not available", "Not now."));

        await using var nowhere = TestRedis.Nowhere();
        (await Function(redis: nowhere).RunAsync(_room.Asking(), "team%2Fa", _room.Context)).Told().ShouldBe(
            (503, "Redis is not available", "The messages could not be read. Please try again in a moment."));
    }

    private void Say(int messages) => _assistant.ReadAsync("conv_1", null, Arg.Any<CancellationToken>()).Returns(
        new ThreadPage([.. Enumerable.Range(0, messages).Select(number => ConversationItem.Question($"Text {number}") with { Id = $"msg_{number}" })], HasMore: false));

    private GetMessages Function(ChannelAccess? access = null, RedisConnection? redis = null) => new(
        access ?? _room.Access.Channels, new HistoryReader(_assistant, new ThreadReader(redis ?? _room.Redis), _room.HistoryOn(redis ?? _room.Redis)), NullLogger<GetMessages>.Instance);

    private Task<IActionResult> GetAsync(string query) => Function().RunAsync(_room.Asking(query: query), "team%2Fa", _room.Context);
}
