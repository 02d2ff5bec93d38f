using System.Text.Json.Nodes;
using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Threads;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Administration.Deletion;

public sealed class PruningTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ThreadRoom _room;

    public PruningTests() => _room = new ThreadRoom(_redis.Connection);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task What_is_older_than_the_retention_goes_at_OpenAI_and_in_Redis_and_nothing_else()
    {
        await _room.AddAsync("old", "conv_old", 90.01);
        await _room.AddAsync("older", "thread_older", 300);
        await _room.AddAsync("young", "conv_young", 89.99);

        (await _room.PruneAsync()).ShouldBe((2, 0, 0));

        (await _room.GetAsync("thread:old")).ShouldBeNull();
        (await _room.GetAsync("metadata:older")).ShouldBeNull();
        (await _room.GetAsync("thread:young")).ShouldBe("conv_young");
        await _room.Assistant.Received(1).DeleteThreadAsync(Arg.Any<string>(), Arg.Any<CancellationToken>());
        await _room.Assistant.Received(1).DeleteThreadAsync("conv_old", Arg.Any<CancellationToken>());
        (await StatisticsAsync()).ShouldBe((1, 1, 1));
    }

    [Fact]
    public async Task What_a_deletion_is_about_is_in_the_end_the_sum_of_what_became_of_it()
    {
        await _room.AddAsync("first", "conv_1", 100);
        await _room.WriteAsync("first", "conv_2", 100);
        await _room.Index.RecordAsync([(await _room.Reader.ReadAsync("first", Cancellation)).ToEntry()], replacesThread: true, Cancellation);
        await _room.AddAsync("second", "conv_3", 100);
        _room.Assistant.DeleteThreadAsync("conv_3", Arg.Any<CancellationToken>()).ThrowsAsync(new AssistantException(AssistantFailure.Other, "Away."));
        var deletion = DeletionInput.Begin(_room.Ago(90), isForced: false, indexesFirst: false, total: 1);

        while (!deletion.IsThrough)
        {
            deletion = deletion.After(deletion.IsAbandonedTurn
                ? await _room.Batches.RemoveAbandonedAsync(isForced: false, deletion.Step, _room.Client, Cancellation)
                : await _room.Batches.RemoveAsync(deletion.Latest, isForced: false, deletion.Step, _room.Client, Cancellation));
        }

        (deletion.Progress.Removed, deletion.Progress.Failed, deletion.Progress.Total).ShouldBe((2, 1, 3));
    }

    [Fact]
    public async Task The_owner_of_a_channel_goes_with_its_thread_unless_a_message_has_named_it_since()
    {
        _room.Access.Options.Mode = "owner";
        foreach (var channel in (string[])["old", "young"])
        {
            await _room.Access.Owners.NameAsync(channel, new Caller("ana", []), Cancellation);
        }

        _room.Time.Advance(TimeSpan.FromDays(91));
        await _room.Access.Owners.NameAsync("again", new Caller("ana", []), Cancellation);
        await _room.AddAsync("old", "conv_old", 91);
        await _room.AddAsync("young", "conv_young", 1);
        await _room.AddAsync("again", "conv_again", 91);

        await _room.PruneAsync();

        (await _room.GetAsync("thread:again")).ShouldBeNull();
        (await _room.Access.Owners.FindAsync("old", Cancellation)).ShouldBeNull();
        (await _room.Access.Owners.FindAsync("young", Cancellation)).ShouldBe("backend:ana");
        (await _room.Access.Owners.FindAsync("again", Cancellation)).ShouldBe("backend:ana");
    }

    [Fact]
    public async Task The_conversation_goes_before_its_keys()
    {
        await _room.AddAsync("a", "conv_a", 100);
        string? atDeletion = null;
        _room.Assistant.DeleteThreadAsync("conv_a", Arg.Any<CancellationToken>()).Returns(async _ => atDeletion = await _room.GetAsync("thread:a"));

        await _room.PruneAsync();

        atDeletion.ShouldBe("conv_a");
        (await _room.GetAsync("thread:a")).ShouldBeNull();
    }

    [Fact]
    public async Task A_message_that_comes_just_before_keeps_its_thread()
    {
        await _room.AddAsync("a", "conv_a", 100);

        // The message has looked its thread up and is not counted yet.
        (await _room.Store.UseAsync("a", [], Cancellation)).ShouldBe("conv_a");

        (await _room.PruneAsync()).ShouldBe((0, 1, 0));
        await _room.Store.CountMessagesAsync("a", ["m"], Cancellation);
        (await _room.PruneAsync()).ShouldBe((0, 0, 0));
        (await _room.GetAsync("thread:a")).ShouldBe("conv_a");
        await _room.Assistant.DidNotReceive().DeleteThreadAsync(Arg.Any<string>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task A_message_that_comes_in_the_middle_gets_a_new_thread_which_stays()
    {
        await _room.AddAsync("a", "conv_a", 100, messages: 3);
        _room.Assistant.DeleteThreadAsync("conv_a", Arg.Any<CancellationToken>()).Returns(async _ =>
        {
            (await _room.Store.UseAsync("a", [], Cancellation)).ShouldBeNull();
            await _room.Store.SaveAsync("a", "conv_new", Cancellation);
            await _room.Store.CountMessagesAsync("a", ["m"], Cancellation);
        });

        await _room.PruneAsync();

        (await _room.GetAsync("thread:a")).ShouldBe("conv_new");
        JsonNode.Parse((await _room.GetAsync("metadata:a"))!)!["message_count"]!.GetValue<int>().ShouldBe(4);
        (await _room.Store.UseAsync("a", [], Cancellation)).ShouldBe("conv_new");
        await _room.Assistant.DidNotReceive().DeleteThreadAsync("conv_new", Arg.Any<CancellationToken>());
        (await StatisticsAsync()).ShouldBe((1, 1, 4));
    }

    [Fact]
    public async Task A_message_that_another_program_counted_keeps_the_thread()
    {
        await _room.AddAsync("a", "conv_a", 100);
        await _room.WriteAsync("a", "conv_a", 1);

        (await _room.PruneAsync()).ShouldBe((0, 1, 0));
        (await _room.GetAsync("thread:a")).ShouldBe("conv_a");
    }

    [Fact]
    public async Task What_OpenAI_does_not_delete_stops_neither_the_others_nor_the_next_run()
    {
        await _room.AddAsync("bad", "conv_bad", 120);
        for (var i = 0; i < 250; i++)
        {
            await _room.AddAsync($"good-{i}", $"conv_good-{i}", 100);
        }

        FailFor("conv_bad");

        (await _room.PruneAsync()).ShouldBe((250, 0, 1));
        (await _room.GetAsync("thread:bad")).ShouldBe("conv_bad");

        _room.Assistant.DeleteThreadAsync("conv_bad", Arg.Any<CancellationToken>()).Returns(Task.CompletedTask);
        (await _room.PruneAsync()).ShouldBe((1, 0, 0));
        (await _room.GetAsync("thread:bad")).ShouldBeNull();
    }

    [Fact]
    public async Task While_OpenAI_is_down_it_is_asked_a_few_times_and_what_does_not_need_it_goes()
    {
        for (var i = 0; i < 300; i++)
        {
            await _room.AddAsync($"{i}", i % 2 == 0 ? $"conv_{i}" : $"thread_{i}", 100);
        }

        FailFor(null);

        (await _room.PruneAsync()).ShouldBe((150, 0, 150));
        _room.Assistant.ReceivedCalls().Count().ShouldBeLessThan(40);
        (await StatisticsAsync()).Threads.ShouldBe(150);
    }

    [Fact]
    public async Task A_conversation_that_takes_too_long_is_left_for_the_next_run()
    {
        await _room.AddAsync("slow", "conv_slow", 100);
        _room.Assistant.DeleteThreadAsync("conv_slow", Arg.Any<CancellationToken>()).Returns(call => Task.Delay(Timeout.Infinite, call.Arg<CancellationToken>()));

        var pruning = _room.PruneAsync();
        await _room.Time.TimersSetAsync();
        _room.Time.Advance(TimeSpan.FromSeconds(31));

        (await pruning).ShouldBe((0, 0, 1));
        (await _room.GetAsync("thread:slow")).ShouldBe("conv_slow");
    }

    [Fact]
    public async Task A_thread_whose_keys_have_expired_is_deleted_at_OpenAI_all_the_same()
    {
        await _room.AddAsync("a", "conv_a", 100);
        await _room.DeleteKeyAsync("thread:a");
        await _room.DeleteKeyAsync("metadata:a");

        (await _room.PruneAsync()).ShouldBe((1, 0, 0));
        await _room.Assistant.Received(1).DeleteThreadAsync("conv_a", Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task A_thread_that_a_channel_lost_is_deleted_at_OpenAI()
    {
        await _room.Store.SaveAsync("a", "conv_first", Cancellation);
        await _room.DeleteKeyAsync("thread:a");
        await _room.Store.SaveAsync("a", "conv_second", Cancellation);

        (await _room.PruneAsync()).ShouldBe((1, 0, 0));
        await _room.Assistant.Received(1).DeleteThreadAsync("conv_first", Arg.Any<CancellationToken>());
        (await _room.GetAsync("thread:a")).ShouldBe("conv_second");
    }

    [Fact]
    public async Task Two_prunings_at_once_delete_each_thread_once()
    {
        for (var i = 0; i < 60; i++)
        {
            await _room.AddAsync($"{i}", $"conv_{i}", 100);
        }

        var (one, other) = (_room.PruneAsync(), _room.PruneAsync());
        ((await one).Removed + (await other).Removed).ShouldBeGreaterThanOrEqualTo(60);

        _room.Assistant.ReceivedCalls().Count().ShouldBe(60);
        (await StatisticsAsync()).ShouldBe((0, 0, 0));
    }

    private void FailFor(string? threadId) =>
        _room.Assistant.DeleteThreadAsync(threadId ?? Arg.Any<string>(), Arg.Any<CancellationToken>())
            .Returns(Task.FromException(new AssistantException(AssistantFailure.Other, "The model's service has a problem.")));

    private async Task<(long Threads, long Metadata, long Messages)> StatisticsAsync()
    {
        var statistics = await _room.Statistics.ReadAsync(Cancellation);
        return (statistics.Threads, statistics.MetadataEntries, statistics.TotalMessages);
    }
}
