using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Cosmo.Bench;

/// <summary>
/// The limit that Cosmo is held against: question in, the model's stream read, each new piece to Web PubSub, and nothing else: no queue, no orchestration, no
/// Redis, no retry, nothing that would survive a kill. One send of an answer is under way at a time, as it must be for the order; what the model says meanwhile
/// goes with the next. Questions come as lines on the standard input.
/// </summary>
internal sealed class DirectPath(Uri model, Uri webPubSub, Uri weather) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 2000, PooledConnectionLifetime = Timeout.InfiniteTimeSpan });
    private readonly ConcurrentDictionary<string, Task<string>> _conversations = new();
    private readonly ConcurrentDictionary<string, (Uri Url, AuthenticationHeaderValue Key)> _groups = new();

    public void Dispose() => _http.Dispose();

    public async Task RunAsync()
    {
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line.Split('\t') is [var channel, var messageId, var question])
            {
                _ = Task.Run(() => AnswerAsync(channel, messageId, question));
            }
        }
    }

    private async Task AnswerAsync(string channel, string messageId, string question)
    {
        try
        {
            var started = SendAsync(channel, messageId, "started", "", 0, isFinal: false);
            var conversation = await _conversations.GetOrAdd(channel, _ => CreateAsync());
            await RoundAsync(channel, messageId, conversation, $$"""[{"type":"message","role":"user","content":[{"type":"input_text","text":"{{question}}"}]}]""", started);
        }
        catch (Exception error)
        {
            Console.WriteLine($"{messageId}: {error.Message}");
        }
    }

    private async Task<string> CreateAsync()
    {
        using var answer = await _http.PostAsync(new Uri(model, "conversations"), new StringContent("{}", Encoding.UTF8, "application/json"));
        using var json = JsonDocument.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync());
        return json.RootElement.GetProperty("id").GetString()!;
    }

    private async Task RoundAsync(string channel, string messageId, string conversation, string input, Task started)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(model, "responses"))
        {
            Content = new StringContent($$"""{"model":"bench","conversation":"{{conversation}}","stream":true,"input":{{input}}}""", Encoding.UTF8, "application/json"),
        };
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(), Encoding.UTF8, false, 16384);
        var (text, sent, sending, call) = (new StringBuilder(), 0, started, (string?)null);
        while (await lines.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: {\"type\":\"response.output_text.delta\"", StringComparison.Ordinal))
            {
                text.Append(Delta(line));
                if (sending.IsCompleted)
                {
                    sending = SendAsync(channel, messageId, "in_progress", text.ToString(sent, text.Length - sent), sent, isFinal: false);
                    sent = text.Length;
                }
            }
            else if (line.StartsWith("data: {\"type\":\"response.output_item.done\"", StringComparison.Ordinal) && line.Contains("\"function_call\"", StringComparison.Ordinal))
            {
                call = Member(line, "\"call_id\":\"");
            }
        }

        await sending;
        if (call is null)
        {
            await SendAsync(channel, messageId, "completed", text.ToString(), 0, isFinal: true);
            return;
        }

        await _http.GetStringAsync(new Uri(weather, "geo/1.0/direct?q=Makati&limit=1&appid=local"));
        var now = await _http.GetStringAsync(new Uri(weather, "data/2.5/weather?lat=14.5567&lon=121.0214&units=metric&appid=local"));
        await RoundAsync(channel, messageId, conversation, $$"""[{"type":"function_call_output","call_id":"{{call}}","output":{{JsonSerializer.Serialize(now)}}}]""", Task.CompletedTask);
    }

    private async Task SendAsync(string channel, string messageId, string status, string text, int offset, bool isFinal)
    {
        var body = $$$"""{"channel":"{{{channel}}}","payload":{"message":"{{{text}}}","status":"{{{status}}}","final_message":{{{(isFinal ? "true" : "false")}}},"message_id":"{{{messageId}}}","offset":{{{offset}}}}}""";
        var (url, key) = _groups.GetOrAdd(channel, _ =>
        {
            var path = $"api/hubs/{Stack.Hub}/groups/{channel}/:send";
            return (new Uri(webPubSub, path + "?api-version=2024-12-01"), new AuthenticationHeaderValue("Bearer", Stack.Token(new Uri(webPubSub, path), [], [])));
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = key;
        using var answer = await _http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
    }

    private static ReadOnlySpan<char> Delta(string line)
    {
        var begin = line.IndexOf("\"delta\":\"", StringComparison.Ordinal) + "\"delta\":\"".Length;
        return line.AsSpan(begin, line.IndexOf('"', begin) - begin);
    }

    private static string Member(string line, string name)
    {
        var begin = line.IndexOf(name, StringComparison.Ordinal) + name.Length;
        return line[begin..line.IndexOf('"', begin)];
    }
}
