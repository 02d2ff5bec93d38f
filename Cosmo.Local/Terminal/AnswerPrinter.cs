using System.Text.Json.Nodes;

namespace Cosmo.Local.Terminal;

/// <summary>Sends a message and prints its answer while it grows.</summary>
internal sealed class AnswerPrinter(TerminalSession session)
{
    /// <summary>Longer than Cosmo itself lets an answer take by default.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly string _messageId = Guid.NewGuid().ToString();
    private string _printed = "";

    public async Task<int> SendAsync(string channel, string text, string? profile, string? replaces)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(session.CancellationToken);
        limit.CancelAfter(Patience);
        var message = new JsonObject { ["message"] = text };
        foreach (var (name, value) in new (string Name, string? Value)[] { ("profile", profile), ("replaces", replaces) })
        {
            if (value is not null)
            {
                message[name] = value;
            }
        }

        try
        {
            return End(await new AnswerListener(session.Deployment, _messageId, Show).SendAsync(channel, message, limit.Token));
        }
        catch (OperationCanceledException) when (!session.CancellationToken.IsCancellationRequested)
        {
            throw new TerminalException(ExitCodes.Failed, $"No answer came within {Patience.TotalMinutes} minutes. See: cosmo conversation {_messageId}");
        }
    }

    private void Show(JsonObject update)
    {
        var payload = update["payload"]!;
        if (session.IsJson)
        {
            Console.WriteLine(update.ToJsonString(TerminalSession.Lines));
        }
        else if (payload["type"]?.ToString() == "response")
        {
            Print(payload["message"]!.ToString());
        }
        else if (payload["type"]?.ToString() == "tool")
        {
            Console.Error.WriteLine(Tables.Line(payload["message"]));
        }
    }

    /// <summary>Each text holds all of the answer so far: what is new of it is printed.</summary>
    private void Print(string text)
    {
        var safe = string.Concat(text.Where(c => !char.IsControl(c) || c is '\n' or '\t'));
        Console.Write(safe.StartsWith(_printed, StringComparison.Ordinal) ? safe[_printed.Length..] : $"\n{safe}");
        _printed = safe;
    }

    private int End(JsonObject final)
    {
        if (_printed.Length > 0)
        {
            Console.WriteLine();
        }

        return final["status"]?.ToString() == "completed"
            ? ExitCodes.Done
            : throw new TerminalException(ExitCodes.Failed, $"{Tables.Line(final["message"])} ({Tables.Line(final["error_details"])})");
    }
}
