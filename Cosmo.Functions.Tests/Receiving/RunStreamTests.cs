using System.IO.Pipelines;
using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Receiving.AgUi;
using Cosmo.Functions.Tests.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Receiving;

/// <summary>The stream of a run, at the real Redis, with a client that reads as the test wants.</summary>
public sealed class RunStreamTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("c1", "m1", 1);
    private static readonly SignedInUser Ana = new(SignedInUser.Backend, new Caller("ana", []), []);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    /// <summary>Of the system's clock: a stream that does not end, or says nothing, is a failure and no standstill.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private readonly UpdateLog _log;
    private readonly RunStream _stream;
    private readonly RunAliases _aliases;
    private readonly OvertakenRedis _rights;
    private readonly AccessSetup _access;
    private readonly CancellationTokenSource _left = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 4_096, resumeWriterThreshold: 1));
    private readonly StringBuilder _read = new();

    public RunStreamTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _time);
        _aliases = new RunAliases(_redis.Connection, _time);
        _rights = new OvertakenRedis(_redis.Prefix);
        _access = new AccessSetup(_rights, _time);
        var answering = Options.Create(new AnsweringOptions());
        var turns = new Cosmo.Functions.Answering.Turns.TurnQueue(_redis.Connection, _log, answering);
        _stream = new RunStream(
            _log, new ApprovalDesk(_redis.Connection, turns, _log, NullLogger<ApprovalDesk>.Instance), _aliases, _access.Channels, answering, Substitute.For<IHostApplicationLifetime>(), _time, NullLogger<RunStream>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _access.Dispose();
        await _rights.DisposeAsync();
        await _redis.DisposeAsync();
        _left.Dispose();
        _stopping.Dispose();
    }

    [Fact]
    public async Task What_is_new_is_told_at_once_and_only_of_its_message()
    {
        var stream = Run(after: 0);
        await UntilAsync("RUN_STARTED");

        await SayAsync(Updates.Text(Address with { MessageId = "other" }, "conv_1", "No"));
        await SayAsync(Updates.Text(Address, "conv_1", "Hello"));
        await UntilAsync("\"delta\":\"Hello\"");
        await SayAsync(Updates.Completed(Address, "conv_1", "Hello"));
        await stream;

        (await RestAsync()).ShouldContain("RUN_FINISHED");
        _read.ToString().ShouldNotContain("\"No\"");
    }

    [Fact]
    public async Task Who_has_lost_the_channel_to_another_reads_no_more()
    {
        _access.Options.Mode = "owner";
        await _access.Owners.SetAsync("c1", Ana.Caller, life: null, Cancellation);
        var stream = Run(after: 0);
        await SayAsync(Updates.Text(Address, "conv_1", "Hello"));
        await UntilAsync("\"delta\":\"Hello\"");

        await _access.Owners.SetAsync("c1", new Caller("ben", []), life: null, Cancellation);
        await SayAsync(Updates.Text(Address, "conv_1", "Hello, Ben"));
        await stream;

        (await RestAsync()).ShouldContain("\"code\":\"not_yours\"");
        _read.ToString().ShouldNotContain("Ben");
    }

    [Fact]
    public async Task What_is_said_while_the_channel_changes_hands_goes_to_the_new_owner_alone()
    {
        _access.Options.Mode = "owner";
        await _access.Owners.SetAsync("c1", Ana.Caller, life: null, Cancellation);
        await SayAsync(Updates.Text(Address, "conv_1", "Hello"));
        _rights.AfterNext = async () =>
        {
            await _access.Owners.SetAsync("c1", new Caller("ben", []), life: null, Cancellation);
            await SayAsync(Updates.Text(Address, "conv_1", "Hello, Ben"));
        };

        await Run(after: 0);

        (await RestAsync()).ShouldContain("\"code\":\"not_yours\"");
        _read.ToString().ShouldNotContain("Ben");
    }

    [Fact]
    public async Task Silence_is_broken_every_fifteen_seconds()
    {
        var stream = Run(after: 0);
        await UntilAsync("RUN_STARTED");

        for (var round = 0; round < 3; round++)
        {
            await _time.TimerSetForAsync(Look);
            _read.ToString().ShouldNotContain("keep-alive");
            _time.Advance(Look);
        }

        await UntilAsync(": keep-alive\n\n");
        await _left.CancelAsync();
        await stream;
    }

    [Fact]
    public async Task What_was_not_heard_of_is_found()
    {
        var stream = Run(after: 0);
        await UntilAsync("RUN_STARTED");
        await _time.TimerSetForAsync(Look);

        // As the script that records it, but for the last step.
        var entry = _log.EntryOf(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null);
        await _redis.Connection.RunAsync(database => database.SortedSetAddAsync(entry.Keys[1], $"7:{(string)entry.Values[2]!}", 7), Cancellation);
        _time.Advance(Look);
        await stream;

        (await RestAsync()).ShouldContain("RUN_FINISHED");
    }

    [Fact]
    public async Task A_run_ends_when_the_worker_stops_and_says_that_it_may_be_asked_for_again()
    {
        var stream = Run(after: 0);
        await SayAsync(Updates.Text(Address, "conv_1", "Hel"));
        await UntilAsync("\"delta\":\"Hel\"");

        await _stopping.CancelAsync();
        await stream;

        (await RestAsync()).ShouldContain("TEXT_MESSAGE_END");
        _read.ToString().ShouldContain("\"code\":\"ask_again\"");
    }

    [Fact]
    public async Task A_run_ends_a_minute_after_the_longest_that_an_answer_takes()
    {
        var stream = Run(after: 0);
        await UntilAsync("RUN_STARTED");
        await _time.TimersSetAsync(2);

        _time.Advance(TimeSpan.FromSeconds(150));
        await stream;

        (await RestAsync()).ShouldContain("\"code\":\"ask_again\"");
    }

    [Fact]
    public async Task Who_leaves_is_followed_no_longer()
    {
        var stream = Run(after: 0);
        await UntilAsync("RUN_STARTED");

        await _left.CancelAsync();
        await stream;

        (await RestAsync()).ShouldNotContain("RUN_ERROR");
    }

    [Fact]
    public async Task A_slow_reader_gets_fewer_and_larger_pieces_and_costs_no_memory()
    {
        var stream = Run(after: 0);
        await UntilAsync("RUN_STARTED");
        var text = "";
        for (var i = 0; i < 200; i++)
        {
            await SayAsync(Updates.Text(Address, "conv_1", text += new string((char)('a' + (i % 26)), 100)));
        }

        await SayAsync(Updates.Completed(Address, "conv_1", text));
        var read = await RestAsync(stream);
        await stream;

        var pieces = Events(read).Where(one => one["type"]!.GetValue<string>() == "TEXT_MESSAGE_CONTENT").Select(one => one["delta"]!.GetValue<string>()).ToList();
        string.Concat(pieces).ShouldBe(text);
        pieces.Count.ShouldBeLessThan(100);
    }

    [Fact]
    public async Task A_run_that_ended_is_told_whole_and_one_that_is_not_known_any_more_says_so()
    {
        await SayAsync(Updates.Started(Address));
        await SayAsync(Updates.Completed(Address, "conv_1", "Hello"));
        await Run(after: null);
        Events(await RestAsync()).Select(one => one["type"]!.GetValue<string>()).ShouldBe(
            ["RUN_STARTED", "CUSTOM", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED"]);

        await _redis.Connection.RunAsync(database => database.KeyDeleteAsync(_log.KeysOf("c1")), Cancellation);
        _read.Clear();
        await Run(after: null);
        Events(await RestAsync()).Select(one => one["code"]?.GetValue<string>()).ShouldBe([null, "ended"]);
    }

    [Fact]
    public async Task Of_several_attempts_the_last_is_told()
    {
        var again = Address with { Attempt = 2 };
        await SayAsync(Updates.Started(Address));
        await SayAsync(Updates.Error(Address, "conv_1", "Failed.", "failed"));
        await SayAsync(Updates.Started(again), again);
        await SayAsync(Updates.Completed(again, "conv_1", "Hello"), again);

        await Run(after: null);

        (await RestAsync()).ShouldNotContain("Failed.");
        Events(_read.ToString())[^1]["outcome"]!["type"]!.GetValue<string>().ShouldBe("success");
    }

    [Fact]
    public async Task A_call_on_which_somebody_has_decided_interrupts_nothing()
    {
        var call = new ToolCallUpdate("call_1", "add_note", ToolCallUpdate.AwaitingApproval);
        await SayAsync(Updates.Tool(Address, "conv_1", call));
        var key = ApprovalDesk.Key(_redis.Prefix, Address);
        await _redis.Connection.RunAsync(database => database.HashSetAsync(key, "call_1", """{"approved":true,"reason":null,"by":"backend:ana"}"""), Cancellation);
        var stream = Run(after: null);
        await UntilAsync("TOOL_CALL_END");
        await _time.TimerSetForAsync(TimeSpan.FromMilliseconds(300));
        _time.Advance(TimeSpan.FromMilliseconds(300));

        await SayAsync(Updates.Tool(Address, "conv_1", call with { State = ToolCallUpdate.Running }));
        await SayAsync(Updates.Completed(Address, "conv_1", "So be it."));
        await stream;

        (await RestAsync()).ShouldNotContain("interrupt");
        (await _aliases.FindByCallAsync("c1", "call_1", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_call_that_waits_interrupts_the_run_and_leads_back_to_its_message()
    {
        await SayAsync(Updates.Tool(Address, "conv_1", new("call_1", "add_note", ToolCallUpdate.AwaitingApproval)));
        var stream = Run(after: null);
        await UntilAsync("TOOL_CALL_END");
        await _time.TimerSetForAsync(TimeSpan.FromMilliseconds(300));
        _time.Advance(TimeSpan.FromMilliseconds(300));
        await stream;

        Events(await RestAsync())[^1]["outcome"]!["type"]!.GetValue<string>().ShouldBe("interrupt");
        (await _aliases.FindByCallAsync("c1", "call_1", Cancellation)).ShouldBe("m1");
    }

    [Fact]
    public async Task Of_what_leads_back_to_messages_the_newest_are_kept()
    {
        for (var i = 0; i < 205; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            await _aliases.RememberRunAsync("c1", $"r{i}", $"m{i}", Cancellation);
        }

        (await _aliases.FindByRunAsync("c1", "r4", Cancellation)).ShouldBeNull();
        (await _aliases.FindByRunAsync("c1", "r5", Cancellation)).ShouldBe("m5");
        foreach (var key in RunAliases.Keys(_redis.Prefix, "c1"))
        {
            (await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(key), Cancellation)).ShouldNotBeNull();
        }
    }

    private Task Run(long? after)
    {
        var http = new DefaultHttpContext { RequestAborted = _left.Token };
        http.Response.Body = _pipe.Writer.AsStream(leaveOpen: true);
        return _stream.RunAsync(http.Response, "r1", new FollowedRun(Address, after), Ana, new RunEvents("c1", "r1", "m1", ShownMessages.None), _stopping.Token).WaitAsync(Patience, Cancellation);
    }

    private Task<RecordedUpdate> SayAsync(UpdatePayload payload, MessageAddress? address = null) =>
        _log.RecordAsync(address ?? Address with { MessageId = payload.MessageId! }, payload, once: null, Cancellation);

    private async Task UntilAsync(string text)
    {
        while (!_read.ToString().Contains(text, StringComparison.Ordinal))
        {
            Take(await _pipe.Reader.ReadAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation));
        }
    }

    /// <summary>What is read by the time that the stream has ended.</summary>
    private async Task<string> RestAsync(Task? stream = null)
    {
        while (stream is { IsCompleted: false })
        {
            if (_pipe.Reader.TryRead(out var more))
            {
                Take(more);
            }

            await Task.Delay(1, Cancellation);
        }

        while (_pipe.Reader.TryRead(out var rest) && rest.Buffer.Length > 0)
        {
            Take(rest);
        }

        return _read.ToString();
    }

    private void Take(ReadResult read)
    {
        _read.Append(Encoding.UTF8.GetString(read.Buffer));
        _pipe.Reader.AdvanceTo(read.Buffer.End);
    }

    private static List<JsonObject> Events(string text) =>
        [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => JsonNode.Parse(line["data: ".Length..])!.AsObject())];

    /// <summary>The shared Redis, with something that happens once, right after a call.</summary>
    private sealed class OvertakenRedis(string prefix) : RedisConnection(Options.Create(new RedisOptions { Url = TestRedis.Url, Prefix = prefix }))
    {
        private Func<Task>? _afterNext;

        public Func<Task> AfterNext
        {
            set => _afterNext = value;
        }

        public override async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken)
        {
            var result = await base.RunAsync(command, cancellationToken);
            await (Interlocked.Exchange(ref _afterNext, null)?.Invoke() ?? Task.CompletedTask);
            return result;
        }
    }
}
