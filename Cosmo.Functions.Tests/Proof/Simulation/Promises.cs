using System.Globalization;
using System.Text.Json;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>
/// What Cosmo promises of the messages of a schedule (docs/promises.md, sections 1 to 6), as its clients, its model and its dead letters see it, and as Redis is left.
/// </summary>
internal sealed class Promises
{
    /// <summary>The whole of an answer, and what its head has left after that to say that it failed.</summary>
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(90 + 60);

    /// <summary>So long Redis may be away without being missed: whoever ends an answer tries it again for five seconds, and whoever gives the turn on for ten.</summary>
    private static readonly TimeSpan LongestWithoutRedis = TimeSpan.FromSeconds(4);

    private readonly Schedule _schedule;
    private readonly Dictionary<string, FollowedMessage> _byFence = [];
    private readonly Dictionary<(string Channel, string Id), FollowedMessage> _byId = [];
    private readonly Dictionary<string, long> _newest = [];
    private readonly Dictionary<string, FollowedCall> _calls = [];
    private readonly HashSet<string> _abandoned = [];
    private readonly string _prefix;
    private string? _broken;

    public Promises(Schedule schedule, string prefix)
    {
        (_schedule, _prefix) = (schedule, prefix);
        foreach (var message in schedule.Plan.Messages)
        {
            var followed = new FollowedMessage(message);
            _byFence[$"{RedisKeys.ForChannel(prefix, "fence", message.Channel)}:1:{message.Id}"] = followed;
            _byId[(message.Channel, message.Id)] = followed;
        }
    }

    /// <summary>Who had just merged messages may have died, been told to stop or not heard so before it told their orchestration, or that have ended as a whole, and Redis have lost them then.</summary>
    public bool MayHaveLostMerged { get; set; }

    /// <summary>An orchestration of the channel ended as a whole. Its message has its end late, and no other one waits for that.</summary>
    public void Abandon(string channel) => _abandoned.Add(channel);

    /// <summary>A message is to be asked together with another.</summary>
    public void Merge(string messageKey) => _byId.Values.Single(message => MessageMemory.Key(_prefix, new(message.Planned.Channel, message.Planned.Id, 1)) == messageKey).WasMerged = true;

    /// <summary>When Redis lost its data, in ticks of UTC; null while it has not.</summary>
    public long? LostAt { get; private set; }

    /// <summary>What was asked of Redis before it lost its data may be carried out after that.</summary>
    private bool HasJustLostData => LostAt is { } lost && _schedule.Time.Now - lost <= TimeSpan.FromMilliseconds(_schedule.Plan.LongestRedis).Ticks;

    private bool IsRedisMissed => _schedule.RedisAway > LongestWithoutRedis;

    /// <summary>Something broke where nobody could be told: the product swallows exceptions of its clients.</summary>
    public void ThrowIfBroken()
    {
        if (_broken is not null)
        {
            throw new SimulationException(_broken);
        }
    }

    public void Break(string what)
    {
        _schedule.Tell($"BROKEN: {what}");
        _broken ??= what;
    }

    /// <summary>
    /// Redis loses data. What is promised then of the messages that it had: each has an end that reaches its clients, none is asked that had one since, and nothing is done that nobody approved.
    /// </summary>
    public void Lose()
    {
        LostAt = _schedule.Time.Now;
        MayHaveLostMerged |= _schedule.Plan.WhenBusy == AnsweringOptions.Merge && (_schedule.HasKilled || _schedule.HasBroken || _schedule.Plan.Messages.Exists(message => message.CancelledAt is not null));
        foreach (var message in _byId.Values)
        {
            message.IsForgotten = message.Number is not null;
        }
    }

    /// <summary>A message takes a place in its channel.</summary>
    public void Take(string list, string fence)
    {
        var message = _byFence[fence];
        _schedule.Tell($"{message} takes a place");
        message.Number ??= _byId.Values.Count(other => other.Number is not null);
    }

    /// <summary>Redis records an update.</summary>
    public void Record(string fence, string kind, long sequence, string entry)
    {
        var message = _byFence[fence];
        if (kind == "text" && _schedule.Plan.HasPieces)
        {
            message.Whole[sequence] = JsonSerializer.Deserialize<UpdatePayload>(entry, CosmoJson.Options)!.Message;
        }

        _schedule.Tell($"{message}: {kind} {sequence} is recorded");
        if (_newest.TryGetValue(message.Planned.Channel, out var newest) && newest >= sequence && !HasJustLostData)
        {
            Break($"Sequence {sequence} of {message} comes after {newest}.");
        }

        _newest[message.Planned.Channel] = sequence;
        if (message.EndedAt is { } before && !HasLost(before))
        {
            Break($"{message} has had its end, and {kind} is recorded after it.");
        }

        if (kind == "final")
        {
            message.EndedAt = _schedule.Time.Now;
            if (!_abandoned.Contains(message.Planned.Channel) && message is { HasWaitedForPerson: false, IsForgotten: false } && message.AskedAt is { } asked && message.EndedAt - asked > LongestAnswer.Ticks)
            {
                Break($"{message} ends {TimeSpan.FromTicks(message.EndedAt.Value - asked)} after the model was asked.");
            }
        }
    }

    /// <summary>A process begins to answer a message. Ended by what is given back.</summary>
    public Action Begin(SimulatedWorker worker, string channel, string messageId)
    {
        var (tries, one) = (_byId[(channel, messageId)].Tries, (worker, _schedule.Time.Now));
        tries.Add(one);
        return () => tries.Remove(one);
    }

    /// <summary>A call of an answer waits for a person from now on: the answer's clocks stand still.</summary>
    public void AwaitPerson(string channel, string messageId) => _byId[(channel, messageId)].HasWaitedForPerson = true;

    /// <summary>The model is asked to answer a message.</summary>
    public void Ask(SimulatedWorker worker, string channel, string messageId)
    {
        var message = _byId[(channel, messageId)];
        _schedule.Tell($"the model is asked {message}");
        if (message.EndedAt is { } ended && !HasLost(ended) && !message.Tries.Exists(one => one.Worker == worker && one.Begun <= ended))
        {
            Break($"The model is asked {message} by a try that began after its end, in {worker}.");
        }

        message.AskedAt ??= _schedule.Time.Now;
        if (!IsRedisMissed && !_abandoned.Contains(channel) && LostAt is null && _byId.Values.FirstOrDefault(other => other.Planned.Channel == channel && other is { EndedAt: null, IsToldWithoutRedis: false } && other.Number < message.Number) is { } before)
        {
            Break($"The model is asked {message} before {before}, which came first, has had its end.");
        }
    }

    /// <summary>An update reaches the clients of its channel.</summary>
    public void Arrive(SimulatedWorker worker, string channel, UpdatePayload payload)
    {
        var message = _byId[(channel, payload.MessageId!)];
        _schedule.Tell($"{payload.Status} {payload.Sequence} of {message} arrives from {worker}");
        if (payload.FinalMessage)
        {
            message.IsToldWithoutRedis |= payload.Sequence is null && _schedule.Plan.LosesRedis;
            if (message.End is { } end && !message.MayHaveTwoEnds && (end.Sequence != payload.Sequence || end.Status != payload.Status || end.Message != payload.Message))
            {
                Break($"{message} has two ends: {end.Status} {end.Sequence} and {payload.Status} {payload.Sequence}.");
            }

            message.End ??= payload;
        }
        else if (message.End is not null && !message.MayHaveTwoEnds)
        {
            Break($"{payload.Status} {payload.Sequence} of {message} arrives after its end, from {worker}.");
        }
        else if (payload.Tool is { State: ToolCallUpdate.AwaitingApproval } tool && _calls.TryAdd(tool.CallId, new FollowedCall()))
        {
            _schedule.AskPerson(channel, payload.MessageId!, tool.CallId);
        }
        else if (payload.IsText && !_schedule.Plan.RepeatsActivities)
        {
            // Two activities of one message at the same time overtake each other; a client knows by the sequence.
            // What a WebSocket did not confirm is sent once more, and may have arrived.
            if (message.Texts.TryGetValue(worker, out var last) && (last > payload.Sequence || (last == payload.Sequence && !_schedule.Plan.HasSockets)))
            {
                Break($"Text {payload.Sequence} of {message} arrives after {last}, from the same {worker}.");
            }

            message.Texts[worker] = payload.Sequence!.Value;
        }
    }

    /// <summary>A piece of a text reaches those who listen for what is new alone: they know all of it then, as the others do.</summary>
    public void Arrive(string channel, UpdatePayload payload, int offset, string text)
    {
        var message = _byId[(channel, payload.MessageId!)];
        _schedule.Tell($"{text.Length} characters from {offset} of {message}, {payload.Sequence}, arrive");
        if (payload.Sequence <= message.NewestPiece)
        {
            return;
        }

        message.NewestPiece = payload.Sequence!.Value;
        if (offset > message.Pieces.Length || message.Pieces[..offset] + text != message.Whole[message.NewestPiece])
        {
            Break($"With {text.Length} characters from {offset}, {payload.Sequence}, {message} is '{message.Pieces[..Math.Min(offset, message.Pieces.Length)]}' and '{text}', and not '{message.Whole[message.NewestPiece]}'.");
        }

        message.Pieces = message.Whole[message.NewestPiece];
    }

    /// <summary>Somebody says yes or no to a call. It may count without their hearing so.</summary>
    public void Decide(SimulatedWorker worker, string callId, bool isApproved)
    {
        _schedule.Tell($"{(isApproved ? "yes" : "no")} to {callId}, says somebody to {worker}");
        _calls[callId].MayBeMade |= isApproved;
    }

    /// <summary>What somebody said to a call counts.</summary>
    public void Count(string callId, bool isApproved)
    {
        var call = _calls[callId];
        _schedule.Tell($"{(isApproved ? "yes" : "no")} to {callId} counts");
        if (call.Decision is not null && LostAt is null)
        {
            Break($"Two decisions on {callId} count.");
        }

        call.Decision = isApproved;
    }

    /// <summary>A call that needs the approval of a person is made.</summary>
    public void Execute(string callId)
    {
        _schedule.Tell($"{callId} is made");
        if (!_calls.TryGetValue(callId, out var call) || call is { MayBeMade: false } or { Decision: false })
        {
            Break($"{callId} is made, and nobody has approved it.");
        }
    }

    public void Keep(string channel, string messageId, string cause)
    {
        var message = _byId[(channel, messageId)];
        _schedule.Tell($"{message} is kept: {cause}");
        message.IsKept = true;
    }

    /// <summary>A delivery was taken care of: refused, or not.</summary>
    public void Delivered(PlannedMessage planned, string? refusedFor)
    {
        var message = _byId[(planned.Channel, planned.Id)];
        _schedule.Tell($"{message} was delivered: {refusedFor ?? "taken in"}");
        if (refusedFor is null)
        {
            message.IsTakenIn = true;
        }
        else if (refusedFor == "channel_busy" || (refusedFor == "unknown_message" && planned.Replaces is not null))
        {
            message.IsRefused = true;
        }
        else
        {
            Break($"{message} is refused for {refusedFor}.");
        }
    }

    /// <summary>Everything has come to rest.</summary>
    public void CheckEnd()
    {
        ThrowIfBroken();
        foreach (var message in _byId.Values)
        {
            if (!message.IsTakenIn && !message.IsRefused)
            {
                Break($"{message} was neither taken in nor refused.");
            }

            if (!message.IsTakenIn)
            {
                continue;
            }

            if (message.IsToldWithoutRedis)
            {
                // Of the two things that are promised then, that it has an end, and that it is kept if that says so, the first is seen.
                continue;
            }

            if (message is { EndedAt: null, IsForgotten: true, WasMerged: true } && MayHaveLostMerged)
            {
                continue;
            }

            if (message.EndedAt is null)
            {
                Break($"{message} was taken in, and has no end.");
            }
            else if (message.End is not { } end)
            {
                Break($"{message} has an end that never reached its clients.");
            }
            else if (message.IsForgotten)
            {
                continue;
            }
            else if (end.Sequence is null)
            {
                Break($"{message} has an end without a sequence.");
            }
            else if (message.IsKept != end.Status is not (Updates.CompletedStatus or Updates.CancelledStatus) && !(message.IsKept && IsRedisMissed))
            {
                Break($"{message} ended as {end.Status}, and is {(message.IsKept ? "" : "not ")}kept.");
            }
            else if (ReadEnd(message) is { } recorded && (recorded.Status != end.Status || recorded.Message != end.Message))
            {
                Break($"{message} ended as {end.Status}, and the log says {recorded.Status}.");
            }

            if (IsRedisMissed || LostAt is not null)
            {
                // A turn that cannot be given on is taken when its lease has run out, and a place that came back when the next message finds that nobody is there.
                continue;
            }

            if (_schedule.Redis.Range(RedisKeys.ForChannel(_prefix, "turns", message.Planned.Channel)).Count > 0)
            {
                Break($"A place is left in channel {message.Planned.Channel}.");
            }

            if (_schedule.Redis.Exists(RedisKeys.ForChannel(_prefix, "turn", message.Planned.Channel)))
            {
                Break($"A turn is left in channel {message.Planned.Channel}.");
            }
        }

        ThrowIfBroken();
    }

    /// <summary>Redis may not know any more what was at that moment.</summary>
    private bool HasLost(long moment) => moment <= LostAt;

    /// <summary>The final update as the log has it; null where it is not kept any more.</summary>
    private UpdatePayload? ReadEnd(FollowedMessage message)
    {
        var (channel, sequence) = (message.Planned.Channel, message.End!.Sequence!.Value);
        var entry = _schedule.Redis.Members(RedisKeys.ForChannel(_prefix, "updates", channel)).FirstOrDefault(one => one.Score == sequence).Member;
        return entry is null ? null : JsonSerializer.Deserialize<UpdatePayload>(entry[(sequence.ToString(CultureInfo.InvariantCulture).Length + 1)..], CosmoJson.Options);
    }

    private sealed class FollowedCall
    {
        /// <summary>The decision that counts, if whoever made it heard so.</summary>
        public bool? Decision { get; set; }

        /// <summary>Somebody has approved it; that counts, unless somebody else was first.</summary>
        public bool MayBeMade { get; set; }
    }

    private sealed class FollowedMessage(PlannedMessage planned)
    {
        public PlannedMessage Planned => planned;

        /// <summary>Which one to take a place it was; null if it took none.</summary>
        public int? Number { get; set; }

        /// <summary>When the model was asked first, in ticks of UTC.</summary>
        public long? AskedAt { get; set; }

        /// <summary>When its final update was recorded, in ticks of UTC.</summary>
        public long? EndedAt { get; set; }

        /// <summary>The final update that reached its clients.</summary>
        public UpdatePayload? End { get; set; }

        /// <summary>The newest text that arrived from each process.</summary>
        public Dictionary<SimulatedWorker, long> Texts { get; } = [];

        /// <summary>All of its text with each update, by sequence.</summary>
        public Dictionary<long, string> Whole { get; } = [];

        /// <summary>Its text as those know it who get it in pieces.</summary>
        public string Pieces { get; set; } = "";

        /// <summary>The sequence of the newest piece.</summary>
        public long NewestPiece { get; set; }

        /// <summary>What is at its answer now, and since when.</summary>
        public List<(SimulatedWorker Worker, long Begun)> Tries { get; } = [];

        /// <summary>Its final update could not be recorded, and was sent all the same: then it may come twice, and text may come after it.</summary>
        public bool IsToldWithoutRedis { get; set; }

        /// <summary>A call of its answer has waited for a person: then its clocks stood still.</summary>
        public bool HasWaitedForPerson { get; set; }

        /// <summary>It was taken in before Redis lost its data.</summary>
        public bool IsForgotten { get; set; }

        /// <summary>Or text after its end.</summary>
        public bool MayHaveTwoEnds => IsToldWithoutRedis || IsForgotten;

        /// <summary>It was to be asked together with another.</summary>
        public bool WasMerged { get; set; }

        public bool IsKept { get; set; }

        public bool IsTakenIn { get; set; }

        public bool IsRefused { get; set; }

        public override string ToString() => $"{planned.Channel}/{planned.Id}";
    }
}
