using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Turns;

/// <summary>Where a message stands in its channel.</summary>
internal enum TurnPlace
{
    /// <summary>It is its turn.</summary>
    Head,

    /// <summary>Others are before it.</summary>
    Waiting,

    /// <summary>Too many wait already.</summary>
    Refused,

    /// <summary>The message has an answer already, or is over.</summary>
    Known,

    /// <summary>Another message of the channel, one with another text, has its id.</summary>
    Taken,
}

/// <summary>Whose a message is.</summary>
internal enum MessageClaim
{
    /// <summary>That of the orchestration that asks.</summary>
    Ours,

    /// <summary>Another's, whether it is over or not.</summary>
    Anothers,

    /// <summary>It has had its end, and is that of the orchestration that asks; or Redis does not know any more whose it is.</summary>
    Over,
}

/// <param name="IsNew">It was taken just now; else an earlier delivery had taken it.</param>
/// <param name="Started">The update that the answer begins, recorded and to be sent; null if it does not begin, or was told before.</param>
internal sealed record TakenPlace(TurnPlace Place, bool IsNew, Update? Started);

/// <summary>
/// Lets the messages of a channel be answered one at a time, in the order of delivery: a Redis list of instance ids, whose head has the
/// turn for as long as its lease, a key that Redis expires by its own clock. A list that Redis loses costs order, not messages.
/// </summary>
internal sealed class TurnQueue(RedisConnection redis, UpdateLog log, IOptions<AnsweringOptions> options)
{
    /// <summary>What the head has left after its deadline to say that it failed.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    /// <summary>Longer than an answer may take that waits for a person.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromDays(2);

    /// <summary>Longer than the fence says that a message of this id is over.</summary>
    private static readonly TimeSpan TextKept = TimeSpan.FromDays(8);

    /// <summary>
    /// A head whose lease has ended is removed first. Who is at the head when it takes its place is told at once that its answer has started. Answers {place,
    /// 1 if it is new, the record of that update}. Where messages are merged, a ticket is kept as well, by which they are known to belong together.
    /// </summary>
    private const string TakeScript = UpdateLog.RecordFunction + """
        local list, lease, ending, taken, message, attempt, text, body = unpack(KEYS, 1, 8)
        local ticket, duration, most, kept = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
        local known = redis.call('GET', text)
        if known and known ~= ARGV[6] then return {'Taken', 0} end
        if redis.call('HEXISTS', message, 'owner') == 1 or redis.call('HEXISTS', KEYS[11], 'final') == 1 then return {'Known', 0} end
        local waiting = redis.call('LRANGE', list, 0, -1)
        for place, other in ipairs(waiting) do
          if other == ticket then return {place == 1 and 'Head' or 'Waiting', 0} end
        end
        if #waiting > 0 and redis.call('EXISTS', lease) == 0 then
          redis.call('LPOP', list)
          table.remove(waiting, 1)
          if #waiting > 0 then redis.call('SET', lease, '', 'PX', duration) end
        end
        if #waiting == 1 and redis.call('GET', ending) == waiting[1] then most = math.max(most, 1) end
        if #waiting > most then return {'Refused', 0} end
        redis.call('SET', attempt, ARGV[5], 'EX', kept)
        redis.call('SET', text, ARGV[6], 'EX', ARGV[7])
        redis.call('SET', body, ARGV[8], 'EX', ARGV[9])
        local time = redis.call('TIME')
        local now = time[1] + time[2] / 1000000
        redis.call('ZADD', taken, string.format('%.6f', now), ARGV[10])
        redis.call('ZREMRANGEBYSCORE', taken, '-inf', now - tonumber(ARGV[11]))
        redis.call('EXPIRE', taken, ARGV[11])
        redis.call('RPUSH', list, ticket)
        redis.call('EXPIRE', list, kept)
        if ARGV[22] then
          redis.call('HSET', KEYS[13], ticket, ARGV[22], ticket .. ':member', ARGV[10])
          redis.call('EXPIRE', KEYS[13], kept)
        end
        if #waiting > 0 then return {'Waiting', 1} end
        redis.call('SET', lease, '', 'PX', duration)
        return {'Head', 1, record({unpack(KEYS, 9)}, {unpack(ARGV, 12)})}
        """;

    /// <summary>
    /// Removes a head that is known to be gone or whose lease has run out; answers the head that is left. A message that another orchestration
    /// owns, or that is over, takes no place again: this orchestration is told that it is its turn, and finds out.
    /// </summary>
    private const string CheckScript = """
        local list, lease, message, fence = unpack(KEYS)
        local ticket, duration, gone, kept, run = unpack(ARGV)
        local found = false
        for _, other in ipairs(redis.call('LRANGE', list, 0, -1)) do
          if other == ticket then found = true end
        end
        if not found then
          local owner = redis.call('HGET', message, 'owner')
          if owner and owner ~= run or redis.call('HEXISTS', fence, 'final') == 1 then return ticket end
          redis.call('RPUSH', list, ticket)
        end
        redis.call('EXPIRE', list, kept)
        local head = redis.call('LINDEX', list, 0)
        local isHeld = redis.call('EXISTS', lease) == 1
        if head ~= ticket and (head == gone or not isHeld) then
          redis.call('LPOP', list)
          head = redis.call('LINDEX', list, 0)
          isHeld = false
        end
        if not isHeld then redis.call('SET', lease, '', 'PX', duration) end
        return head
        """;

    /// <summary>Answers the owner, and <c>over</c> if the message is.</summary>
    private const string ClaimFunction = """
        local function claim(message, fence, run, kept)
          if redis.call('HEXISTS', fence, 'final') == 1 then return redis.call('HGET', message, 'owner') or '', 'over' end
          redis.call('HSETNX', message, 'owner', run)
          redis.call('EXPIRE', message, kept)
          return redis.call('HGET', message, 'owner'), ''
        end

        """;

    private const string ClaimScript = ClaimFunction + "return {claim(KEYS[1], KEYS[2], ARGV[1], ARGV[2])}";

    /// <summary>
    /// Claims a message, and with it those that wait directly behind it and may be asked together with it: they leave the list, and the same orchestration owns
    /// them. What was merged stays merged, and where nothing was, nothing is: of two tries at the same time one may answer without what the other took in. Answers the owner, <c>over</c> if the message is, then what was merged, as it was taken in. The keys of messages follow from the tickets, and share
    /// the channel's hash slot.
    /// </summary>
    private const string MergeScript = ClaimFunction + """
        local message, fence, list, tickets, merged = unpack(KEYS)
        local run, kept, ticket, most, messages, fences, stops = unpack(ARGV)
        local before, isClaimed = redis.call('LRANGE', merged, 0, -1), redis.call('HEXISTS', message, 'owner') == 1
        local owner, over = claim(message, fence, run, kept)
        if over == 'over' then return {owner, over, unpack(before)} end
        if owner ~= run then return {owner, ''} end
        if isClaimed then return {run, '', unpack(before)} end

        local function read(instance)
          local text = redis.call('HGET', tickets, instance)
          local length, group, may, asked = string.match(text or '', '^(%d+) (%S+) (%d) (.*)$')
          return {length = tonumber(length), group = group, may = may == '1', asked = asked, member = redis.call('HGET', tickets, instance .. ':member')}
        end

        local own = read(ticket)
        local total, isBehind, found = own.length, false, {run, ''}
        for _, other in ipairs(own.group and redis.call('LRANGE', list, 0, -1) or {}) do
          if isBehind then
            local next = read(other)
            if next.group ~= own.group or not next.may or not next.member or total + next.length > tonumber(most) then break end
            local key = messages .. next.member
            if redis.call('HEXISTS', key, 'owner') == 1 or redis.call('HEXISTS', fences .. next.member, 'final') == 1 then break end
            if redis.call('GET', stops .. other) == 'cancelled' then break end
            redis.call('HSET', key, 'owner', run, 'leader', ticket)
            redis.call('EXPIRE', key, kept)
            redis.call('LREM', list, 0, other)
            redis.call('HDEL', tickets, other, other .. ':member')
            redis.call('RPUSH', merged, next.asked)
            redis.call('EXPIRE', merged, kept)
            total = total + next.length
            table.insert(found, next.asked)
          end
          isBehind = isBehind or other == ticket
        end
        return found
        """;

    private const string FollowingScript = """
        local since = redis.call('ZSCORE', KEYS[1], ARGV[1])
        return since and redis.call('ZRANGEBYSCORE', KEYS[1], since, '+inf') or {}
        """;

    private const string KeepScript = """
        if redis.call('LINDEX', KEYS[1], 0) == ARGV[1] then
          redis.call('SET', KEYS[2], '', 'PX', ARGV[2])
          redis.call('EXPIRE', KEYS[1], ARGV[3])
        end
        """;

    private const string ReleaseScript = """
        local list, lease, body = KEYS[1], KEYS[2], KEYS[3]
        local ticket, duration, isAnswered = ARGV[1], ARGV[2], ARGV[3]
        if isAnswered == '1' then redis.call('DEL', body) end
        local was = redis.call('LINDEX', list, 0)
        redis.call('LREM', list, 0, ticket)
        if KEYS[4] then redis.call('HDEL', KEYS[4], ticket, ticket .. ':member') end
        local head = redis.call('LINDEX', list, 0)
        if not head then
          redis.call('DEL', lease)
          return ''
        end
        if was == ticket then redis.call('SET', lease, '', 'PX', duration) end
        return head
        """;

    private const string ForgetScript = """
        local list, lease, ending, taken, tickets = unpack(KEYS, 1, 5)
        local count = tonumber(ARGV[1])
        for i = 1, count do
          redis.call('ZREM', taken, ARGV[1 + i])
          redis.call('LREM', list, 0, ARGV[1 + count + i])
          redis.call('HDEL', tickets, ARGV[1 + count + i], ARGV[1 + count + i] .. ':member')
        end
        for i = 6, #KEYS do redis.call('DEL', KEYS[i]) end
        if redis.call('EXISTS', list) == 0 then redis.call('DEL', lease, ending, tickets) end
        """;

    /// <summary>Longer than anything is kept of a message, here or in the Durable store.</summary>
    private TimeSpan TakenKept => TimeSpan.FromDays(1) + (TextKept.TotalDays > options.Value.HistoryDays ? TextKept : TimeSpan.FromDays(options.Value.HistoryDays));

    private long LeaseMilliseconds => (long)(options.Value.Deadlines.Overall + Grace).TotalMilliseconds;

    /// <summary>Takes a place in the channel for an orchestration; taking it again gives the same place.</summary>
    /// <param name="address">The message.</param>
    /// <param name="text">What it asks: another text under the same id is another message.</param>
    /// <param name="body">The message as it came, which <see cref="MessageMemory"/> keeps for its dead letter.</param>
    /// <param name="instanceId">The orchestration.</param>
    /// <param name="maxWaiting">So many may wait in the channel.</param>
    /// <param name="replaces">The message whose place it takes in the conversation, or null.</param>
    /// <param name="ticket">What others may be asked together with it by; null where messages are not merged.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<TakenPlace> TakeAsync(
        MessageAddress address, string text, byte[] body, string instanceId, int maxWaiting, string? replaces, MergeTicket? ticket, CancellationToken cancellationToken)
    {
        var started = log.EntryOf(address, Updates.Started(address, text, replaces), "started");
        var answer = await redis.EvaluateAsync(
            TakeScript,
            [ListKey(address.Channel), LeaseKey(address.Channel), EndingKey(address.Channel), TakenKey(address.Channel), .. KeysOf(address), .. started.Keys, TicketsKey(address.Channel)],
            [
                instanceId, LeaseMilliseconds, maxWaiting, (long)Kept.TotalSeconds, address.Attempt, DigestOf(text), (long)TextKept.TotalSeconds,
                MessageMemory.Pack(body), (long)MessageMemory.BodyKept.TotalSeconds, Member(address), (long)TakenKept.TotalSeconds, .. started.Values,
                .. ticket is null ? [] : new RedisValue[] { ticket.ToString() },
            ],
            cancellationToken);
        return new TakenPlace(
            Enum.Parse<TurnPlace>((string)answer[0]!), (int)answer[1] == 1, answer.Length > 2 ? UpdateLog.Read(answer[2], started).ToSend : null);
    }

    /// <summary>Of several orchestrations of one message the first to ask owns it; it may ask again. Nobody comes to own a message that is over.</summary>
    public async Task<MessageClaim> ClaimAsync(MessageAddress address, string runId, CancellationToken cancellationToken)
    {
        var answer = await redis.EvaluateAsync(
            ClaimScript, [MessageKey(address), log.FenceKey(address)], [runId, (long)Kept.TotalSeconds], cancellationToken);
        return Read((string[])answer!, runId);
    }

    /// <summary>Claims a message as <see cref="ClaimAsync"/> does, with those that are to be asked together with it, which follow in their order.</summary>
    /// <param name="mostText">So many characters are asked together at most.</param>
    public async Task<(MessageClaim Claim, IReadOnlyList<MergedMessage> Merged)> ClaimTogetherAsync(
        MessageAddress address, string instanceId, string runId, int mostText, CancellationToken cancellationToken)
    {
        var (messages, fences, stops) = (KeyOf("message", address.Channel) + ":", KeyOf("fence", address.Channel) + ":", KeyOf("stop", address.Channel) + ":");
        var answer = await redis.EvaluateAsync(
            MergeScript,
            [MessageKey(address), log.FenceKey(address), ListKey(address.Channel), TicketsKey(address.Channel), MergedKey(address)],
            [runId, (long)Kept.TotalSeconds, instanceId, mostText, messages, fences, stops],
            cancellationToken);
        var found = (string[])answer!;
        return (Read(found, runId), [.. found.Skip(2).Select(MergedMessage.Read)]);
    }

    private static MessageClaim Read(string[] claim, string runId) =>
        claim[1].Length > 0 && (claim[0] == runId || claim[0].Length == 0) ? MessageClaim.Over : claim[0] == runId ? MessageClaim.Ours : MessageClaim.Anothers;

    /// <summary>What was merged into a message, in order.</summary>
    public async Task<IReadOnlyList<MergedMessage>> FindMergedAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        var merged = await redis.RunAsync(database => database.ListRangeAsync(MergedKey(address)), cancellationToken);
        return [.. merged.Select(one => MergedMessage.Read(one!))];
    }

    /// <summary>The instance that answers a message which was merged into its own; null for one that was not.</summary>
    public async Task<string?> FindLeaderAsync(MessageAddress address, CancellationToken cancellationToken) =>
        (string?)await redis.RunAsync(database => database.HashGetAsync(MessageKey(address), "leader"), cancellationToken);

    /// <summary>Forgets the bodies of messages that need no dead letter any more.</summary>
    public Task ForgetBodiesAsync(IEnumerable<MessageAddress> messages, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.KeyDeleteAsync([.. messages.Select(message => MessageMemory.BodyKey(redis.Prefix, message))]), cancellationToken);

    /// <summary>A message that took a place, and those that did after it, oldest first; none if the message is not known any more.</summary>
    public async Task<IReadOnlyList<MessageAddress>> FindFollowingAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        var members = await redis.EvaluateAsync(FollowingScript, [TakenKey(address.Channel)], [Member(address)], cancellationToken);
        return [.. ((string[])members!).Select(member => Read(address.Channel, member))];
    }

    /// <summary>Who has the turn now. An orchestration whose place was lost gets one at the end.</summary>
    /// <param name="gone">A head that is known to have ended without giving its turn back; null when none is.</param>
    public async Task<string> HeadAsync(MessageAddress address, string instanceId, string runId, string? gone, CancellationToken cancellationToken)
    {
        var head = await redis.EvaluateAsync(
            CheckScript,
            [ListKey(address.Channel), LeaseKey(address.Channel), MessageKey(address), log.FenceKey(address)],
            [instanceId, LeaseMilliseconds, gone ?? "", (long)Kept.TotalSeconds, runId],
            cancellationToken);
        return (string)head!;
    }

    /// <summary>Keeps the turn of the head for so much longer than an answer may take. Another's is left as it is.</summary>
    public Task KeepAsync(MessageAddress address, string instanceId, TimeSpan longer, CancellationToken cancellationToken) => redis.EvaluateAsync(
        KeepScript, [ListKey(address.Channel), LeaseKey(address.Channel)], [instanceId, LeaseMilliseconds + (long)longer.TotalMilliseconds, (long)Kept.TotalSeconds], cancellationToken);

    /// <summary>
    /// Says that a message is about to be over: where a busy channel rejects, one that comes between its final update and the end of its turn waits
    /// those milliseconds.
    /// </summary>
    public Task AnnounceEndAsync(MessageAddress address, string instanceId, CancellationToken cancellationToken) =>
        options.Value.WhenBusy == AnsweringOptions.Reject
            ? redis.RunAsync(database => database.StringSetAsync(EndingKey(address.Channel), instanceId, Grace), cancellationToken)
            : Task.CompletedTask;

    /// <summary>Gives the turn, or the place, back. Returns the instance whose turn it is now, or null.</summary>
    /// <param name="address">The message.</param>
    /// <param name="instanceId">Whose place it is.</param>
    /// <param name="isAnswered">The message needs no dead letter any more: its body is forgotten.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<string?> ReleaseAsync(MessageAddress address, string instanceId, bool isAnswered, CancellationToken cancellationToken)
    {
        var next = await redis.EvaluateAsync(
            ReleaseScript,
            [
                ListKey(address.Channel), LeaseKey(address.Channel), MessageMemory.BodyKey(redis.Prefix, address),
                .. options.Value.WhenBusy == AnsweringOptions.Merge ? new RedisKey[] { TicketsKey(address.Channel) } : [],
            ],
            [instanceId, LeaseMilliseconds, isAnswered],
            cancellationToken);
        return (string?)next is { Length: > 0 } instance ? instance : null;
    }

    /// <summary>The instances that have their turn before this one.</summary>
    public async Task<IReadOnlyList<string>> FindBeforeAsync(MessageAddress address, string instanceId, CancellationToken cancellationToken) =>
        [.. (await FindPlacesAsync(address.Channel, cancellationToken)).TakeWhile(ticket => ticket != instanceId)];

    /// <summary>The newest attempt at a message that took a place, or null.</summary>
    public async Task<int?> FindAttemptAsync(string channel, string messageId, CancellationToken cancellationToken) =>
        (int?)await redis.RunAsync(database => database.StringGetAsync(AttemptKey(channel, messageId)), cancellationToken);

    /// <summary>Whether a message of this id was asked in the last days, and whether it was this one.</summary>
    /// <param name="text">What it asks; null where that is not known.</param>
    public async Task<(bool IsKnown, bool IsSame)> FindAskedAsync(string channel, string messageId, string? text, CancellationToken cancellationToken)
    {
        var known = (byte[]?)await redis.RunAsync(database => database.StringGetAsync(QuestionKey(new MessageAddress(channel, messageId, 1))), cancellationToken);
        return (known is not null, text is null || known is null || DigestOf(text).AsSpan().SequenceEqual(known));
    }

    /// <summary>The messages of a channel that took a place and of which anything may be left.</summary>
    public async Task<IReadOnlyList<MessageAddress>> FindTakenAsync(string channel, CancellationToken cancellationToken)
    {
        var members = await redis.RunAsync(database => database.SortedSetRangeByRankAsync(TakenKey(channel)), cancellationToken);
        return [.. members.Select(member => Read(channel, member!))];
    }

    /// <summary>The instances that have a place in the channel, in their order.</summary>
    public async Task<IReadOnlyList<string>> FindPlacesAsync(string channel, CancellationToken cancellationToken)
    {
        var waiting = await redis.RunAsync(database => database.ListRangeAsync(ListKey(channel)), cancellationToken);
        return [.. waiting.Select(ticket => (string)ticket!)];
    }

    /// <summary>Forgets messages that are over: their places, and that they were ever taken.</summary>
    /// <param name="channel">Their channel.</param>
    /// <param name="messages">The messages, with the instances that answered them.</param>
    /// <param name="keys">What else is kept of them, and of the channel: keys of its hash slot.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task ForgetAsync(
        string channel, IReadOnlyCollection<(MessageAddress Address, string InstanceId)> messages, IEnumerable<RedisKey> keys, CancellationToken cancellationToken)
    {
        var own = messages.SelectMany(message => KeysOf(message.Address).Append(MergedKey(message.Address)));
        await redis.EvaluateAsync(
            ForgetScript,
            [ListKey(channel), LeaseKey(channel), EndingKey(channel), TakenKey(channel), TicketsKey(channel), .. own, .. keys],
            [messages.Count, .. messages.Select(message => (RedisValue)Member(message.Address)), .. messages.Select(message => (RedisValue)message.InstanceId)],
            cancellationToken);
    }

    /// <summary>What is kept of a message alone.</summary>
    private RedisKey[] KeysOf(MessageAddress address) =>
        [MessageKey(address), AttemptKey(address.Channel, address.MessageId), QuestionKey(address), MessageMemory.BodyKey(redis.Prefix, address)];

    private static byte[] DigestOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private string ListKey(string channel) => KeyOf("turns", channel);

    private string LeaseKey(string channel) => KeyOf("turn", channel);

    private string TakenKey(string channel) => KeyOf("taken", channel);

    private string QuestionKey(MessageAddress address) => $"{KeyOf("question", address.Channel)}:{address.MessageId}";

    private static string Member(MessageAddress address) => string.Create(CultureInfo.InvariantCulture, $"{address.Attempt}:{address.MessageId}");

    private static MessageAddress Read(string channel, string member) =>
        member.Split(':', 2) is [var attempt, var messageId] ? new MessageAddress(channel, messageId, int.Parse(attempt, CultureInfo.InvariantCulture)) : throw new FormatException(member);

    private string KeyOf(string kind, string channel) => RedisKeys.ForChannel(redis.Prefix, kind, channel);

    private string TicketsKey(string channel) => KeyOf("tickets", channel);

    private string MergedKey(MessageAddress address) => $"{KeyOf("merged", address.Channel)}:{Member(address)}";

    private string EndingKey(string channel) => KeyOf("ending", channel);

    private string AttemptKey(string channel, string messageId) => $"{KeyOf("attempt", channel)}:{messageId}";

    private string MessageKey(MessageAddress address) => MessageMemory.Key(redis.Prefix, address);
}
