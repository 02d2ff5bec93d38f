using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Controls;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>Makes the events of one response in the documented order and pace, and ends the response just before its last event.</summary>
internal sealed class ResponseStream(ModelResponse response, Reply reply, Fault? fault, OpenAIEmulatorOptions options)
{
    private const string FailureText = "The model failed to generate a response.";

    private readonly EventSequence _events = new(response);
    private readonly EndingRule _endings = new(fault, response.Request.MaxOutputTokens);
    private readonly List<Item> _output = [];
    private readonly TimeSpan _pace = fault?.Pace is { } pace ? TimeSpan.FromMilliseconds(pace) : options.TokenPace;
    private int _tokens;
    private bool _isUnreadableSent;

    /// <summary>How it ended; known once all events were read.</summary>
    public Ending Ending { get; private set; }

    /// <summary>All events of the response. When it is cancelled the response is left as it is.</summary>
    public async IAsyncEnumerable<StreamEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await DelayAsync(TimeSpan.FromMilliseconds(fault?.DelayBeforeFirstEvent ?? 0), cancellationToken);
        yield return _events.Whole("response.created");
        if (response.Request.Background)
        {
            yield return _events.Whole("response.queued");
        }

        response.Start();
        if (fault?.RateLimitInStream is not null)
        {
            const string code = "rate_limit_exceeded", message = "Rate limit reached. Please retry later.";
            yield return _events.Error(code, message);
            yield return End("failed", outcome => outcome with { Error = (code, null, message) });
            yield break;
        }

        yield return _events.Whole("response.in_progress");
        await DelayAsync(options.FirstTokenDelay, cancellationToken);
        await foreach (var streamEvent in OutputAsync(cancellationToken))
        {
            yield return streamEvent;
        }

        if (Last() is { } last)
        {
            yield return last;
        }
    }

    private async IAsyncEnumerable<StreamEvent> OutputAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var message in reply.Messages.TakeWhile(_ => Ending == Ending.Completed))
        {
            await foreach (var streamEvent in MessageAsync(message, cancellationToken))
            {
                yield return streamEvent;
            }
        }

        for (var call = 0; call < reply.Calls.Count && Ending == Ending.Completed; call++)
        {
            await foreach (var streamEvent in CallAsync(reply.Calls[call], cancellationToken))
            {
                yield return streamEvent;
            }
        }

        if (Ending == Ending.Completed)
        {
            await EndsAsync(whole: true, cancellationToken);
        }
    }

    private async IAsyncEnumerable<StreamEvent> MessageAsync(IReadOnlyList<string> tokens, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (id, index, text) = (Ids.New("msg"), _output.Count, new StringBuilder());
        var begun = Item.Message(id, "", "in_progress").ToJson();
        begun["content"] = new JsonArray();
        yield return _events.ItemAdded(index, begun);
        yield return _events.Part("response.content_part.added", id, index, ("part", Item.TextPart("")));
        foreach (var token in fault?.SplitEmoji == true ? tokens.SelectMany(OddText.Halves) : tokens)
        {
            if (await EndsAsync(whole: false, cancellationToken))
            {
                _output.Add(Item.Message(id, text.ToString(), "incomplete"));
                yield break;
            }

            if (fault?.UnknownEvents == true)
            {
                yield return _events.Unknown();
            }

            if (_tokens > fault?.UnreadableAfterTokens && !_isUnreadableSent)
            {
                _isUnreadableSent = true;
                yield return _events.Unknown() with { IsUnreadable = true };
            }

            text.Append(token);
            yield return _events.TextDelta(id, index, token);
            await DelayAsync(_pace, cancellationToken);
        }

        text = new StringBuilder(string.Concat(tokens));
        var item = Item.Message(id, text.ToString(), "completed");
        yield return _events.Part("response.output_text.done", id, index, ("text", text.ToString()), ("logprobs", new JsonArray()));
        yield return _events.Part("response.content_part.done", id, index, ("part", Item.TextPart(text.ToString())));
        yield return _events.ItemDone(index, item);
        _output.Add(item);
    }

    private async IAsyncEnumerable<StreamEvent> CallAsync(FunctionCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (id, callId, index) = (Ids.New("fc"), Ids.NewCall(), _output.Count);
        yield return _events.ItemAdded(index, Item.FunctionCall(id, callId, call.Name, "", "in_progress").ToJson());
        foreach (var token in Reply.Tokenize(call.Arguments))
        {
            if (await EndsAsync(whole: false, cancellationToken))
            {
                yield break;
            }

            yield return _events.ArgumentsDelta(id, index, token);
            await DelayAsync(_pace, cancellationToken);
        }

        var item = Item.FunctionCall(id, callId, call.Name, call.Arguments, "completed");
        yield return _events.ArgumentsDone(id, index, call);
        yield return _events.ItemDone(index, item);
        _output.Add(item);
    }

    private async ValueTask<bool> EndsAsync(bool whole, CancellationToken cancellationToken)
    {
        Ending = _endings.Due(_tokens, whole);
        if (Ending == Ending.Stalled)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }

        _tokens++;
        return Ending != Ending.Completed;
    }

    private StreamEvent? Last()
    {
        switch (Ending)
        {
            case Ending.Failed:
                return End("failed", outcome => outcome with { Error = (fault!.FailCode, fault.FailType, FailureText) });
            case Ending.Error:
                response.TryEnd(new Outcome("failed", _output) { Error = (fault!.FailCode, fault.FailType, FailureText) });
                return _events.NestedError(fault.FailCode, fault.FailType, FailureText);
            case Ending.Incomplete:
                return End("incomplete", outcome => outcome with { IncompleteReason = _endings.IncompleteReason });
            case Ending.Completed:
                var last = End("completed", outcome => outcome);
                if (fault?.EmptyOutput == true)
                {
                    last.Data["response"]!["output"] = new JsonArray();
                }

                return last;
            case Ending.CompletedUnheard:
                End("completed", outcome => outcome);
                return null;
            default:
                response.TryEnd(Outcome.Cancelled);
                return null;
        }
    }

    private StreamEvent End(string status, Func<Outcome, Outcome> detail)
    {
        response.TryEnd(detail(new Outcome(status, _output) { OutputTokens = _tokens }));
        return _events.Whole($"response.{response.Outcome.Status}");
    }

    private Task DelayAsync(TimeSpan delay, CancellationToken cancellationToken) =>
        delay > TimeSpan.Zero ? Task.Delay(delay, options.TimeProvider, cancellationToken) : Task.CompletedTask;
}
