namespace Cosmo.Functions.Tests.Proof;

/// <summary>A promise that a history does not keep.</summary>
/// <param name="Rule">Its name in <see cref="HistoryChecker.Rules"/>.</param>
/// <param name="Channel">Where.</param>
/// <param name="What">What was seen, in a sentence.</param>
internal sealed record Violation(string Rule, string Channel, string What);

/// <param name="Violations">What does not hold.</param>
/// <param name="Looked">How many things each rule has looked at: a rule that looked at nothing has proved nothing.</param>
/// <param name="Excused">How many each rule passed over because a service had lost what it had confirmed, or could not be asked.</param>
internal sealed record Verdict(IReadOnlyList<Violation> Violations, IReadOnlyDictionary<string, int> Looked, IReadOnlyDictionary<string, int> Excused);

/// <summary>
/// Holds a history against the promises (<c>docs/promises.md</c>). It knows nothing of how Cosmo works. What no system could keep after a loss is passed over, and counted:
/// only for messages that were under way, or channels that were known, when it happened.
/// </summary>
internal sealed class HistoryChecker
{
    public const string OneEnd = "each accepted message has exactly one end";
    public const string NothingAfter = "nothing of a message comes after its end";
    public const string Order = "answers come in the order in which their messages were taken";
    public const string OneAtATime = "a channel answers one message at a time";
    public const string Growing = "sequences grow, and each is of one update";
    public const string Beginnings = "each text is the beginning of those after it and of the final one";
    public const string SameView = "who came back sees what those see who never left";
    public const string QuestionOnce = "a question stands once in its conversation";
    public const string NoOpenCall = "no call is without its output";
    public const string Kept = "each failure is a dead letter with its cause, and nothing else is";
    public const string CountedOnce = "usage is counted once";
    public const string OwnChannel = "nobody sees another channel";
    public const string CancelHeard = "who is told that a message is being cancelled sees it end";

    /// <summary>So long after a loss it may still show: what was on its way arrives, and who retries has not yet.</summary>
    private const long Margin = 5_000_000;

    private static readonly string[] AtWork = ["processing", "retrying", "responding", "in_progress"];

    private readonly List<Violation> _violations = [];
    private readonly Dictionary<string, int> _looked = Rules.ToDictionary(rule => rule, _ => 0);
    private readonly Dictionary<string, int> _excused = Rules.ToDictionary(rule => rule, _ => 0);
    private readonly List<(long From, long To, Loss Loss)> _losses = [];
    private readonly Dictionary<string, List<Told>> _byChannel;
    private readonly Dictionary<string, List<Letter>> _letters;
    private readonly Dictionary<(string Channel, string MessageId), MessageStory> _stories = [];
    private readonly IReadOnlyList<HistoryEvent> _history;

    private HistoryChecker(IReadOnlyList<HistoryEvent> history)
    {
        _history = history;
        _byChannel = history.OfType<Told>().GroupBy(told => told.Group).ToDictionary(group => group.Key, group => group.ToList());
        _letters = history.OfType<Letter>().GroupBy(letter => letter.MessageId).ToDictionary(group => group.Key, group => group.ToList());
    }

    public static IReadOnlyList<string> Rules { get; } =
        [OneEnd, NothingAfter, Order, OneAtATime, Growing, Beginnings, SameView, QuestionOnce, NoOpenCall, Kept, CountedOnce, OwnChannel, CancelHeard];

    /// <param name="history">All that was seen, after all has ended. Events of one client are in the order in which they came.</param>
    public static Verdict Check(IReadOnlyList<HistoryEvent> history)
    {
        var checker = new HistoryChecker(history);
        checker.CheckAll();
        return new Verdict(checker._violations, checker._looked, checker._excused);
    }

    private void CheckAll()
    {
        FindLosses();
        TellStories();
        foreach (var story in _stories.Values)
        {
            CheckEnd(story);
            CheckKept(story);
            CheckBeginnings(story);
            CheckCancelled(story);
        }

        foreach (var (channel, told) in _byChannel)
        {
            CheckChannel(channel, told);
        }

        CheckConversations();
        CheckUsage();
        CheckLettersHaveFailures();
    }

    private void FindLosses()
    {
        var ends = _history.OfType<FaultEnded>().ToDictionary(ended => ended.Number, ended => ended.At);
        _losses.AddRange(_history.OfType<FaultBegan>().Where(fault => fault.Loses != Loss.None).Select(fault => (fault.At, ends.GetValueOrDefault(fault.Number, long.MaxValue), fault.Loses)));
    }

    private void TellStories()
    {
        foreach (var publishing in _history.OfType<Publishing>())
        {
            _stories[(publishing.Channel, publishing.MessageId)] = new MessageStory(publishing);
        }

        foreach (var one in _history)
        {
            switch (one)
            {
                case Accepted accepted:
                    _stories[(accepted.Channel, accepted.MessageId)].IsAccepted = true;
                    break;
                case Cancelled { Status: 202 } cancelled:
                    _stories[(cancelled.Channel, cancelled.MessageId)].IsCancelled = true;
                    break;
                case Told { MessageId: { } messageId } told when told.Channel == told.Group:
                    if (_stories.TryGetValue((told.Channel, messageId), out var story))
                    {
                        story.Told.Add(told);
                    }

                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>One end, for all clients together: the same one, if it is told again.</summary>
    private void CheckEnd(MessageStory story)
    {
        var finals = story.Finals.Where(final => final.Sequence is not null).DistinctBy(final => (final.Sequence, final.Status, final.Text)).ToList();
        var unrecorded = story.Finals.Where(final => final.Sequence is null).ToList();
        if (!story.IsAccepted && finals.Count + unrecorded.Count == 0)
        {
            return;
        }

        Look(OneEnd);
        if (finals.Count + unrecorded.Count == 0)
        {
            Violate(OneEnd, story, Loss.Broker, "was accepted and has no end");
        }
        else if (finals.Count > 1)
        {
            Violate(OneEnd, story, Loss.Redis, $"has {finals.Count} ends: {string.Join(", ", finals.Select(final => $"{final.Status} ({final.Sequence})"))}");
        }
        else if (unrecorded.Count > 0 && (finals.Count == 1 || unrecorded.DistinctBy(final => final.Text).Count() > 1))
        {
            // Without Redis there is no fence, and a client that hears nothing is worse off than one that hears the end twice.
            Violate(OneEnd, story, Loss.RedisAway, "has an end without a sequence and another one");
        }
        else if (unrecorded.Count > 0 && !IsExcused(story.From, story.To, Loss.RedisAway))
        {
            Violate(OneEnd, story, Loss.None, "has an end without a sequence, and Redis was there");
        }
    }

    private void CheckKept(MessageStory story)
    {
        if (story.Final is not { } final)
        {
            return;
        }

        var letters = _letters.GetValueOrDefault(story.MessageId, []);
        if (final.Status != "error")
        {
            return;
        }

        Look(Kept);
        if (letters.Count == 0)
        {
            Violate(Kept, story, Loss.Broker, $"failed ({final.Type}: {final.Text}) and is no dead letter");
        }
        else if (letters.Any(letter => letter.Cause.Length == 0))
        {
            Violate(Kept, story, Loss.None, "is a dead letter without a cause");
        }
    }

    private void CheckLettersHaveFailures()
    {
        var byId = _stories.Values.ToLookup(story => story.MessageId);
        foreach (var (messageId, _) in _letters)
        {
            Look(Kept);
            foreach (var story in byId[messageId].Where(story => story.Final is { Status: not "error" } && story.Finals.All(final => final.Status != "error")))
            {
                Violate(Kept, story, Loss.Redis, $"is {story.Final!.Status} and a dead letter");
            }
        }
    }

    private void CheckBeginnings(MessageStory story)
    {
        var final = story.Final is { Status: "completed" or "cancelled", Text: { } whole } ? whole : null;
        var hashes = final is null ? null : TextHash.OfBeginnings(final);
        foreach (var client in story.Told.GroupBy(told => told.Client))
        {
            var last = default(Told);
            foreach (var text in client.Where(told => told is { Status: "in_progress", IsFinal: false }))
            {
                Look(Beginnings);
                if (hashes is not null && (text.Length >= hashes.Length || hashes[text.Length] != text.Hash))
                {
                    Violate(Beginnings, story, Loss.Redis, $"showed {client.Key} a text of {text.Length} characters ({text.Sequence}) that is no beginning of its final one");
                    break;
                }

                if (last is not null && text.Sequence > last.Sequence && text.Length < last.Length)
                {
                    Violate(Beginnings, story, Loss.Redis, $"showed {client.Key} {text.Length} characters ({text.Sequence}) after {last.Length} ({last.Sequence})");
                    break;
                }

                last = text;
            }
        }
    }

    private void CheckCancelled(MessageStory story)
    {
        if (!story.IsCancelled)
        {
            return;
        }

        Look(CancelHeard);
        if (story.Final is null)
        {
            Violate(CancelHeard, story, Loss.Broker, "was being cancelled and has no end");
        }
    }

    private void CheckChannel(string channel, List<Told> told)
    {
        foreach (var client in told.GroupBy(one => one.Client))
        {
            CheckClient(channel, client.Key, [.. client]);
        }

        CheckViews(channel, told);
        CheckSequences(channel, told);

        // Where Redis has lost what it knew, the turns of a channel begin anew, and what the log gives later is of both times.
        var forgets = _losses.Where(loss => loss.Loss == Loss.Redis).ToList();
        var certain = told.Where(one => !forgets.Exists(loss => loss.From <= one.At && (one.IsCaughtUp || one.At <= Later(loss.To))));
        foreach (var life in certain.GroupBy(one => forgets.Count(loss => loss.From <= one.At)))
        {
            CheckTurns(channel, [.. life.Where(one => one is { Sequence: not null, MessageId: not null }).DistinctBy(one => one.Sequence).OrderBy(one => one.Sequence)]);
        }
    }

    /// <summary>What one client got by itself, connection by connection.</summary>
    private void CheckClient(string channel, string client, List<Told> told)
    {
        var ended = new Dictionary<string, Told>();
        foreach (var one in told)
        {
            Look(OwnChannel);
            if (one.Channel != channel || (one.MessageId is { } id && !_stories.ContainsKey((channel, id))))
            {
                Violate(OwnChannel, channel, one.At, one.At, Loss.None, $"{client} got what is of {one.Channel}, {one.MessageId}");
            }

            if (one.MessageId is not { } messageId || one.IsCaughtUp)
            {
                continue;
            }

            if (ended.TryGetValue(messageId, out var final))
            {
                Look(NothingAfter);
                if (!one.IsFinal)
                {
                    // What stood still between recording and arriving comes late; its client knows that by the sequence.
                    var excuse = final.Sequence is null ? Loss.RedisAway : one.Sequence < final.Sequence ? Loss.Paused : Loss.Redis;
                    Violate(
                        NothingAfter, channel, _stories.GetValueOrDefault((channel, messageId))?.From ?? one.At, one.At, excuse,
                        $"{client} got {one.Status} ({one.Sequence}) of {messageId} {(one.At - final.At) / 1000} ms after its end ({final.Sequence})");
                }
            }
            else if (one.IsFinal)
            {
                ended[messageId] = one;
                Look(NothingAfter);
            }
        }
    }

    private void CheckSequences(string channel, List<Told> told)
    {
        var contents = new Dictionary<long, Told>();
        foreach (var one in told.Where(one => one.Sequence is not null))
        {
            Look(Growing);
            if (!contents.TryAdd(one.Sequence!.Value, one)
                && contents[one.Sequence.Value] is var first && (first.MessageId, first.Status, first.Length, first.Hash, first.CallId, first.CallState) != (one.MessageId, one.Status, one.Length, one.Hash, one.CallId, one.CallState))
            {
                Violate(Growing, channel, first.At, one.At, SetBack, $"{one.Sequence} is {first.Status} of {first.MessageId} and {one.Status} of {one.MessageId}");
            }
        }

        foreach (var client in told.GroupBy(one => one.Client))
        {
            var newest = default(Told);
            var seen = new HashSet<long>();
            foreach (var one in client.Where(one => one is { Sequence: not null, IsCaughtUp: false }))
            {
                // Of one message: those of two may cross, where two workers have to do with a channel.
                if (newest is not null && newest.MessageId == one.MessageId && one.Sequence < newest.Sequence && !seen.Contains(one.Sequence!.Value))
                {
                    var excuse = IsExcused(newest.At, one.At, SetBack) ? SetBack : Loss.Paused;
                    Violate(Growing, channel, newest.At, one.At, excuse, $"{client.Key} got {one.Sequence} ({one.Status}) of {one.MessageId} after {newest.Sequence} ({newest.Status})");
                }

                seen.Add(one.Sequence!.Value);
                newest = newest is null || newest.MessageId != one.MessageId || one.Sequence > newest.Sequence ? one : newest;
            }
        }
    }

    /// <param name="recorded">All updates of the channel, each once, by their sequences: that is the order in which they happened.</param>
    private void CheckTurns(string channel, List<Told> recorded)
    {
        var ends = recorded.Where(one => one.IsFinal).GroupBy(one => one.MessageId!).ToDictionary(group => group.Key, group => group.First());
        var working = default(string);
        foreach (var one in recorded)
        {
            if (one.IsFinal)
            {
                working = working == one.MessageId ? null : working;
            }
            else if (AtWork.Contains(one.Status))
            {
                Look(OneAtATime);
                if (working is not null && working != one.MessageId && !HasEndedElsewhere(channel, working, one))
                {
                    // What Redis forgets of the turn of one of them it has forgotten for as long as that one goes on.
                    var from = new[] { working, one.MessageId! }.Min(messageId => _stories.GetValueOrDefault((channel, messageId))?.From ?? one.At);
                    Violate(OneAtATime, channel, from, ends.GetValueOrDefault(working)?.At ?? one.At, Loss.Redis, $"{one.MessageId} was at work ({one.Status}, {one.Sequence}) before {working} had its end");
                }

                working = one.MessageId;
            }
        }

        // In the order in which they were taken, of those that were answered: what is cancelled or refused while it waits ends before its turn.
        var place = recorded.Where(one => one.Status == "started").Select((one, i) => (one.MessageId, i)).GroupBy(one => one.MessageId!).ToDictionary(group => group.Key, group => group.First().i);
        var last = default(Told);
        foreach (var final in recorded.Where(one => one is { IsFinal: true, Status: "completed" } && place.ContainsKey(one.MessageId!)))
        {
            Look(Order);
            if (last is not null && place[final.MessageId!] < place[last.MessageId!])
            {
                Violate(Order, channel, last.At, final.At, Loss.Redis, $"{final.MessageId} was taken before {last.MessageId} and answered after it");
            }

            last = final;
        }
    }

    /// <summary>
    /// Whether an end was there by then that is not among the others: one without a sequence has no place there, and what a client missed and asked the log for after a loss is left out.
    /// </summary>
    private bool HasEndedElsewhere(string channel, string messageId, Told next) => _stories.GetValueOrDefault((channel, messageId))?.Finals
        .Any(final => final.Sequence is null ? final.At <= next.At : final.IsCaughtUp && final.Sequence < next.Sequence) == true;

    /// <summary>What a client has at the end: of each message how it ended, of each call its last state.</summary>
    private void CheckViews(string channel, List<Told> told)
    {
        var clients = _history.OfType<Joined>().Where(joined => joined.Channel == channel).GroupBy(joined => joined.Client).ToList();
        var stays = clients.Where(client => client.Count() == 1).Select(client => client.Key).FirstOrDefault();
        if (stays is null)
        {
            return;
        }

        var whole = ViewOf(told.Where(one => one.Client == stays));
        foreach (var client in clients.Where(client => client.Count() > 1).Select(client => client.Key))
        {
            Look(SameView);
            var view = ViewOf(told.Where(one => one.Client == client));
            foreach (var (of, state) in whole)
            {
                if (view.GetValueOrDefault(of) is var other && other != state)
                {
                    // What becomes of a call is tried to be told for seconds, and then is in the log alone, for as long as Redis keeps that.
                    var at = told.Where(one => one.MessageId == of.MessageId).Select(one => one.At).ToList();
                    var (to, excuse) = of.CallId is not null && IsExcused(at.Min(), long.MaxValue, Loss.Redis) ? (long.MaxValue, Loss.Redis) : (at.Max(), Loss.RedisAway);
                    Violate(SameView, channel, at.Min(), to, excuse, $"{client} has {other ?? "nothing"} of {of.MessageId} {of.CallId} and {stays} has {state}");
                }
            }
        }
    }

    private static Dictionary<(string MessageId, string? CallId), string> ViewOf(IEnumerable<Told> told) => told
        .Where(one => one.MessageId is not null && (one.IsFinal || one.CallId is not null))
        .GroupBy(one => (one.MessageId!, one.IsFinal ? null : one.CallId))
        .ToDictionary(group => group.Key, group => group.MaxBy(one => one.Sequence ?? long.MaxValue) is var last && last!.IsFinal ? $"{last.Status} of {last.Length} characters, {last.Hash:x}" : last.CallState!);

    private void CheckConversations()
    {
        foreach (var channel in _history.OfType<Conversation>().GroupBy(conversation => conversation.Channel))
        {
            var items = channel.SelectMany(conversation => conversation.Items).ToList();
            foreach (var story in _stories.Values.Where(story => story.Channel == channel.Key && story.Final?.Status == "completed"))
            {
                Look(QuestionOnce);
                var times = items.Count(item => item.Kind == "user" && item.Text == story.Question);
                if (times != 1)
                {
                    Violate(QuestionOnce, story, Loss.Redis, $"stands {times} times in the conversation");
                }
            }

            var outputs = items.Where(item => item.Kind == "output").Select(item => item.CallId).ToHashSet();
            var question = default(string);
            foreach (var item in items)
            {
                if (item.Kind == "user")
                {
                    question = item.Text;
                }
                else if (item.Kind == "call")
                {
                    Look(NoOpenCall);
                    if (!outputs.Contains(item.CallId))
                    {
                        // Where Redis loses which conversation was the channel's while a message is under way, and its worker dies too, nobody is left who could mend it, or asks in it again.
                        var asked = _stories.Values.FirstOrDefault(story => story.Channel == channel.Key && story.Question == question);
                        Violate(NoOpenCall, channel.Key, asked?.From ?? 0, asked?.To ?? long.MaxValue, asked is null ? Loss.None : Loss.Redis, $"call {item.CallId} has no output");
                    }
                }
            }
        }
    }

    private void CheckUsage()
    {
        var finals = _stories.Values.Where(story => story.Final is not null).ToLookup(story => story.Channel);
        foreach (var counted in _history.OfType<Counted>())
        {
            Look(CountedOnce);
            var (told, areAllWhole) = (finals[counted.Channel].Sum(story => story.Final!.OutputTokens ?? 0), finals[counted.Channel].All(story => story.Final!.Status == "completed"));
            if (counted.OutputTokens < told || (areAllWhole && counted.OutputTokens != told))
            {
                var from = finals[counted.Channel].Select(story => story.From).DefaultIfEmpty().Min();
                Violate(CountedOnce, counted.Channel, from, counted.At, Loss.RedisAway, $"{counted.OutputTokens} tokens are counted and the final updates told {told}");
            }
        }
    }

    private void Look(string rule) => _looked[rule]++;

    private void Violate(string rule, MessageStory story, Loss excuse, string what) => Violate(rule, story.Channel, story.From, story.To, excuse, $"{story.MessageId} {what}");

    private void Violate(string rule, string channel, long from, long to, Loss excuse, string what)
    {
        if (IsExcused(from, to, excuse))
        {
            _excused[rule]++;
            return;
        }

        _violations.Add(new Violation(rule, channel, what));
    }

    /// <summary>What sets sequences back: a Redis that loses its data, and then a process whose clock goes wrong.</summary>
    private Loss SetBack => _history.OfType<FaultBegan>().Any(fault => fault.Fault.EndsWith("-clock", StringComparison.Ordinal)) ? Loss.Redis : Loss.None;

    /// <summary>Whether that was lost while it went on. Who loses Redis's data could not ask it either.</summary>
    private bool IsExcused(long from, long to, Loss excuse) => excuse != Loss.None && _losses.Any(
        loss => (loss.Loss == excuse || (excuse == Loss.RedisAway && loss.Loss == Loss.Redis)) && loss.From <= to && from <= Later(loss.To));

    private static long Later(long at) => at > long.MaxValue - Margin ? at : at + Margin;

    /// <summary>All that was seen of a message.</summary>
    private sealed class MessageStory(Publishing publishing)
    {
        public string Channel => publishing.Channel;

        public string MessageId => publishing.MessageId;

        public string Question => publishing.Question;

        public bool IsAccepted { get; set; }

        public bool IsCancelled { get; set; }

        public List<Told> Told { get; } = [];

        public IEnumerable<Told> Finals => Told.Where(told => told.IsFinal);

        public Told? Final => Finals.MinBy(final => final.Sequence ?? long.MaxValue);

        public long From => publishing.At;

        public long To => Finals.Select(final => final.At).DefaultIfEmpty(long.MaxValue).Max();
    }
}
