using System.Globalization;
using System.Net;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>What users do meanwhile: several channels, each with a client that never leaves and one that comes and goes, and messages of every kind.</summary>
internal sealed class TortureLoad : IAsyncDisposable
{
    /// <summary>What goes wrong with some messages by itself.</summary>
    public const string Faults = """[{ "userText": "refuse this", "status": 400, "code": "invalid_value" }]""";

    /// <summary>So long an end is waited for before it is asked for.</summary>
    private static readonly TimeSpan QuietFor = TimeSpan.FromSeconds(5);

    private static readonly string[] Words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

    private readonly SystemUnderTest _system;
    private readonly HistoryRecorder _recorder;
    private readonly Producer _producer;
    private readonly List<Talk> _talks = [];

    public TortureLoad(SystemUnderTest system, HistoryRecorder recorder)
    {
        (_system, _recorder) = (system, recorder);
        _producer = system.NewProducer();
    }

    /// <summary>Opens channels of this name.</summary>
    /// <param name="comesAndGoes">Each has a second client, which comes and goes.</param>
    public async Task OpenAsync(string name, int channels, bool comesAndGoes, CancellationToken cancellationToken)
    {
        for (var i = 0; i < channels; i++)
        {
            var channel = $"{name}-{i}";
            var stays = new RecordingClient($"{channel}-stays", channel, _recorder, limit => _system.AddressAsync(channel, limit), (after, limit) => _system.UpdatesAsync(channel, after, limit));
            var comes = !comesAndGoes ? null : new RecordingClient($"{channel}-comes", channel, _recorder, limit => _system.NegotiateAsync(channel, limit), (after, limit) => _system.UpdatesAsync(channel, after, limit));
            await stays.StartAsync(cancellationToken);
            await (comes?.StartAsync(cancellationToken) ?? Task.CompletedTask);
            _talks.Add(new Talk(channel, stays, comes));
        }
    }

    /// <summary>Asks in every channel until then, with pauses, and waits until every question is with the broker.</summary>
    /// <param name="random">Decides what is asked and when.</param>
    /// <param name="until">Ends it.</param>
    /// <param name="stopping">Ends it at once.</param>
    public Task RunAsync(Random random, CancellationToken until, CancellationToken stopping) =>
        Task.WhenAll(_talks.Select((talk, i) => TalkAsync(talk, new Random(random.Next() ^ i), until, stopping)));

    /// <summary>Asks so many questions in every channel, without waiting for an answer: some channels after the others, each a few in a row.</summary>
    /// <param name="messages">In each channel.</param>
    /// <param name="inARow">So many one channel gets at a time.</param>
    /// <param name="sideBySide">Channels that get them at the same time: the fewer, the sooner more wait in one than may.</param>
    /// <param name="perSecond">In all channels together.</param>
    /// <param name="stopping">Ends it at once.</param>
    public async Task FloodAsync(int messages, int inARow, int sideBySide, int perSecond, CancellationToken stopping)
    {
        var (begun, sent) = (TimeProvider.System.GetTimestamp(), 0);
        for (var left = messages; left > 0; left -= inARow)
        {
            var row = Math.Min(left, inARow);
            foreach (var some in _talks.Chunk(sideBySide))
            {
                await Task.WhenAll(some.Select(talk => AskInARowAsync(talk, row, stopping)));
                sent += some.Length * row;
                if (TimeSpan.FromSeconds((double)sent / perSecond) - TimeProvider.System.GetElapsedTime(begun) is var early && early > TimeSpan.Zero)
                {
                    await Task.Delay(early, stopping);
                }
            }
        }
    }

    /// <summary>Waits until all that was accepted has its end.</summary>
    /// <returns>False if nothing more ended for so long.</returns>
    public async Task<bool> EndAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var (begun, least) = (TimeProvider.System.GetTimestamp(), int.MaxValue);
        while (true)
        {
            var (open, waiting) = (0, new List<Talk>());
            foreach (var talk in _talks)
            {
                var ended = talk.Stays.Ended.Concat(talk.Comes?.Ended ?? []).ToHashSet();
                var left = talk.Accepted.Count(messageId => !ended.Contains(messageId));
                open += left;
                if (left > 0)
                {
                    waiting.Add(talk);
                }
            }

            if (open == 0)
            {
                break;
            }

            if (open < least)
            {
                (begun, least) = (TimeProvider.System.GetTimestamp(), open);
            }
            else if (TimeProvider.System.GetElapsedTime(begun) > patience)
            {
                return false;
            }

            // What was not heard stands in the log.
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            if (TimeProvider.System.GetElapsedTime(begun) > QuietFor)
            {
                foreach (var talk in waiting)
                {
                    await talk.Stays.CatchUpAsync(cancellationToken);
                }
            }
        }

        return true;
    }

    /// <summary>Every client asks once more what it has missed.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        foreach (var talk in _talks)
        {
            await talk.Stays.CatchUpAsync(cancellationToken);
            await (talk.Comes?.CatchUpAsync(cancellationToken) ?? Task.CompletedTask);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var talk in _talks)
        {
            await talk.Stays.DisposeAsync();
            await (talk.Comes?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        await _producer.DisposeAsync();
    }

    private async Task TalkAsync(Talk talk, Random random, CancellationToken until, CancellationToken stopping)
    {
        while (!until.IsCancellationRequested)
        {
            var messageId = string.Create(CultureInfo.InvariantCulture, $"{talk.Channel}-m{talk.Asked++}");
            var kind = random.Next(10);
            var question = kind switch
            {
                0 or 1 => $"Weather in Makati? ({messageId})",
                2 => $"Please refuse this: {messageId}",
                _ => $"Say after me: {messageId} {string.Join(' ', Enumerable.Range(0, random.Next(1, kind == 3 ? 150 : 50)).Select(i => Words[i % Words.Length]))}.",
            };
            await AskAsync(talk, messageId, question, stopping);
            await PauseAsync(random.Next(0, 300), stopping);
            if (kind == 4)
            {
                await CancelAsync(talk.Channel, messageId, stopping);
            }

            if (random.Next(6) == 0)
            {
                talk.Comes?.Drop();
            }

            // Most wait for their answer; some do not, so that messages wait for each other.
            for (var waited = 0; kind != 5 && waited < 100 && !until.IsCancellationRequested && !talk.Stays.Ended.Contains(messageId); waited++)
            {
                await PauseAsync(100, stopping);
            }

            await PauseAsync(random.Next(0, 1000), stopping);
        }
    }

    private async Task AskInARowAsync(Talk talk, int messages, CancellationToken stopping)
    {
        for (var i = 0; i < messages; i++)
        {
            var messageId = string.Create(CultureInfo.InvariantCulture, $"{talk.Channel}-m{talk.Asked++}");
            await AskAsync(talk, messageId, $"Say after me: {messageId} {Words[i % Words.Length]}.", stopping);
        }
    }

    private async Task AskAsync(Talk talk, string messageId, string question, CancellationToken stopping)
    {
        _recorder.Add(new Publishing(HistoryRecorder.Now, talk.Channel, messageId, question));
        await _producer.PublishAsync(talk.Channel, messageId, question, stopping);
        _recorder.Add(new Accepted(HistoryRecorder.Now, talk.Channel, messageId));
        talk.Accepted.Add(messageId);
    }

    private async Task CancelAsync(string channel, string messageId, CancellationToken stopping)
    {
        _recorder.Add(new Cancelling(HistoryRecorder.Now, channel, messageId));
        try
        {
            if (await _system.CancelAsync(channel, messageId, stopping) is var status and (HttpStatusCode.Accepted or HttpStatusCode.Conflict))
            {
                _recorder.Add(new Cancelled(HistoryRecorder.Now, channel, messageId, (int)status));
            }
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException && !stopping.IsCancellationRequested)
        {
            // Whether it was heard is not known.
        }
    }

    private static Task PauseAsync(int milliseconds, CancellationToken stopping) => Task.Delay(milliseconds, stopping);

    private sealed record Talk(string Channel, RecordingClient Stays, RecordingClient? Comes)
    {
        public int Asked { get; set; }

        public List<string> Accepted { get; } = [];
    }
}
