using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal.Trials;

/// <summary>Holds the conversation of a trial, in a channel of its own that is deleted afterwards, however it ends.</summary>
internal sealed class TrialRun(Deployment deployment, Trial trial, string? profile)
{
    /// <summary>Longer than a deletion waits for what it cancels.</summary>
    private static readonly TimeSpan DeletionLimit = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan DeletionInterval = TimeSpan.FromSeconds(0.25);

    private readonly string _channel = $"eval-{Guid.NewGuid():N}";

    /// <exception cref="OperationCanceledException">It was interrupted. The channel is deleted all the same.</exception>
    public async Task<TrialOutcome> RunAsync(CancellationToken cancellationToken)
    {
        var turns = new List<TurnOutcome>();
        string? failure = null;
        try
        {
            foreach (var turn in trial.Turns)
            {
                turns.Add(await RunAsync(turn, cancellationToken));
                if (turns[^1].Status is null)
                {
                    // It may still be under way, and the next would have to wait for it.
                    break;
                }
            }
        }
        finally
        {
            failure = await DeleteAsync();
        }

        return new TrialOutcome(
            trial.Name,
            _channel,
            [.. turns, .. trial.Turns.Skip(turns.Count).Select(turn => new TurnOutcome(turn.Message, "") { Failures = ["it was not asked: the turn before has no end"] })],
            failure);
    }

    private async Task<TurnOutcome> RunAsync(TrialTurn turn, CancellationToken cancellationToken)
    {
        var outcome = new TurnOutcome(turn.Message, Guid.NewGuid().ToString());
        var calls = new Dictionary<string, TrialCall>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(turn.Expect.Limit);
        var begun = Stopwatch.GetTimestamp();
        try
        {
            var final = await new AnswerListener(deployment, outcome.MessageId, Hear).SendAsync(_channel, MessageOf(turn), limit.Token);
            outcome = outcome with
            {
                Seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds,
                Status = final["status"]!.ToString(),
                Text = final["message"]!.ToString(),
                Usage = final["usage"] as JsonObject,
                Calls = calls.Count == 0 ? [] : await FindArgumentsAsync(outcome.MessageId, calls.Values, cancellationToken),
            };
            return outcome with
            {
                Failures = outcome.Status == "completed" ? [.. turn.Expect.Judge(outcome)] : [$"{Tables.Line(final["message"])} ({Tables.Line(final["error_details"])})"],
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return outcome with { Calls = [.. calls.Values], Failures = [$"it had no end within {turn.Expect.Limit.TotalSeconds} seconds"] };
        }
        catch (TerminalException e)
        {
            return outcome with { Calls = [.. calls.Values], Failures = [e.Message] };
        }

        void Hear(JsonObject update)
        {
            var payload = update["payload"]!;
            if (payload["tool"] is JsonObject tool)
            {
                var id = tool["call_id"]!.ToString();
                calls[id] = new TrialCall(id, tool["name"]!.ToString(), tool["state"]!.ToString(), null);
            }
            else if (outcome.FirstText is null && payload["type"]?.ToString() == "response" && payload["message"]?.ToString() is { Length: > 0 })
            {
                outcome = outcome with { FirstText = Stopwatch.GetElapsedTime(begun).TotalSeconds };
            }
        }
    }

    private JsonObject MessageOf(TrialTurn turn)
    {
        var message = new JsonObject { ["message"] = turn.Message };
        if (trial.User is { } user)
        {
            message["user"] = user.DeepClone();
        }

        if (profile is not null)
        {
            message["profile"] = profile;
        }

        return message;
    }

    /// <summary>Clients are not told the arguments of a call; operators are.</summary>
    private async Task<IReadOnlyList<TrialCall>> FindArgumentsAsync(string messageId, IEnumerable<TrialCall> calls, CancellationToken cancellationToken)
    {
        var answer = await deployment.CallAsync(
            HttpMethod.Get, $"conversations/{messageId}?channel={Uri.EscapeDataString(_channel)}&calls=true", null, cancellationToken);
        return
        [
            .. calls.Select(call => call with
            {
                Arguments = ReadArguments((answer["calls"] as JsonArray)?.FirstOrDefault(found => found?["call_id"]?.ToString() == call.Id)?["arguments"]?.ToString()),
            }),
        ];
    }

    private static JsonObject? ReadArguments(string? text)
    {
        try
        {
            return text is null ? null : JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Null, or why the channel may still be there. What is being answered in it is cancelled.</summary>
    private async Task<string?> DeleteAsync()
    {
        using var limit = new CancellationTokenSource(DeletionLimit);
        var reason = "It took too long.";
        try
        {
            while (await FindWhyNotDeletedAsync(limit.Token) is { } passing)
            {
                reason = passing;
                await Task.Delay(DeletionInterval, limit.Token);
            }

            return null;
        }
        catch (Exception e) when (e is OperationCanceledException or TerminalException { ExitCode: ExitCodes.Unreachable })
        {
            return $"its channel was not deleted. {(e is TerminalException ? e.Message : reason)} Try: cosmo threads clear {_channel}";
        }
    }

    /// <summary>Null once it is deleted. One deletion at a time gets at the dead letters, so that another try is worth while.</summary>
    private async Task<string?> FindWhyNotDeletedAsync(CancellationToken cancellationToken)
    {
        try
        {
            var deleted = await deployment.CallAsync(HttpMethod.Delete, $"threads/{RouteName.Write(_channel)}?confirm=DELETE", null, cancellationToken);
            return deleted["answers_left"]?.GetValue<long>() > 0 ? "An answer was still under way." : null;
        }
        catch (TerminalException e) when (e.ExitCode == ExitCodes.NotFound)
        {
            // Nothing came so far as to have a thread.
            return null;
        }
        catch (TerminalException e) when (e.ExitCode == ExitCodes.Failed)
        {
            return e.Message;
        }
    }
}
