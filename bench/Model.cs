using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace Cosmo.Bench;

/// <summary>
/// Stands in for OpenAI's Responses and Conversations APIs, with as little work a token as can be: it runs beside what is measured, on the same processors. It
/// keeps nothing but the recipe of each conversation, says the time of each token as its text, and holds its pace by the clock, not by the tokens before.
/// </summary>
internal static class Model
{
    private const string Response =
        """
        "response":{"id":"ID","object":"response","created_at":1750000000,"status":"STATUS","error":null,"incomplete_details":null,"model":"bench","output":[OUTPUT],"parallel_tool_calls":true,"tools":[],"usage":USAGE}
        """;

    public static async Task RunAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, port));
        var app = builder.Build();
        var recipes = new ConcurrentDictionary<string, Recipe>();
        app.MapPost("/v1/conversations", () => Results.Text($$"""{"id":"conv_{{Guid.NewGuid().ToString("N")}}","object":"conversation","created_at":1750000000,"metadata":{} }""", "application/json"));
        app.MapPost("/v1/responses", context => RespondAsync(context, recipes));
        await app.StartAsync();
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
    }

    private static async Task RespondAsync(HttpContext context, ConcurrentDictionary<string, Recipe> recipes)
    {
        var arrived = TimeToken.Now;
        using var request = await JsonDocument.ParseAsync(context.Request.Body);
        var conversation = request.RootElement.GetProperty("conversation");
        var id = conversation.ValueKind == JsonValueKind.String ? conversation.GetString()! : conversation.GetProperty("id").GetString()!;
        var asked = Recipe.Find(request.RootElement.GetProperty("input").GetRawText());
        var recipe = asked is not null ? recipes[id] = asked : recipes[id];
        var events = new Events(context.Response);
        if (asked is { HasTool: true })
        {
            await events.CallAsync();
        }
        else
        {
            await events.SayAsync(recipe, arrived, context.RequestAborted);
        }
    }

    private sealed class Events(HttpResponse response)
    {
        private readonly string _response = Guid.NewGuid().ToString("N");
        private readonly string _item = Guid.NewGuid().ToString("N");
        private int _number;

        public async Task CallAsync()
        {
            const string Arguments = """{\"city\":\"Makati\"}""";
            Begin();
            var item = $$"""{"id":"fc_{{_item}}","type":"function_call","status":"completed","arguments":"{{Arguments}}","call_id":"call_{{_item}}","name":"get_weather"}""";
            Write("response.output_item.added", $$""" "output_index":0,"item":{{item}} """);
            Write("response.function_call_arguments.done", $$""" "item_id":"fc_{{_item}}","output_index":0,"arguments":"{{Arguments}}" """);
            Write("response.output_item.done", $$""" "output_index":0,"item":{{item}} """);
            End(item, 10);
            await response.BodyWriter.FlushAsync();
        }

        public async Task SayAsync(Recipe recipe, long arrived, CancellationToken gone)
        {
            Begin();
            await response.BodyWriter.FlushAsync(gone);
            Write("response.output_item.added", $$""" "output_index":0,"item":{{Item("in_progress", "")}} """);
            Write("response.content_part.added", $$""" "item_id":"msg_{{_item}}","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"text":""} """);
            var text = new byte[recipe.Tokens * TimeToken.Length];
            var before = Encoding.UTF8.GetBytes($"event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"item_id\":\"msg_{_item}\",\"output_index\":0,\"content_index\":0,\"delta\":\"");
            var after = "\",\"logprobs\":[],\"obfuscation\":\"nQ7vTz3KpX\",\"sequence_number\":"u8.ToArray();
            for (var token = 0; token < recipe.Tokens; token++)
            {
                var due = arrived + (1000L * (recipe.FirstMilliseconds + (token * (long)recipe.PaceMilliseconds)));
                if (due - TimeToken.Now is > 500 and var left)
                {
                    await Task.Delay(TimeSpan.FromMicroseconds(left), gone);
                }

                var piece = text.AsMemory(token * TimeToken.Length, TimeToken.Length);
                TimeToken.Write(TimeToken.Now, piece.Span);
                WriteDelta(before, piece.Span, after);
                await response.BodyWriter.FlushAsync(gone);
            }

            var whole = Encoding.UTF8.GetString(text);
            Write("response.output_text.done", $$""" "item_id":"msg_{{_item}}","output_index":0,"content_index":0,"text":"{{whole}}" """);
            Write("response.content_part.done", $$""" "item_id":"msg_{{_item}}","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"text":"{{whole}}"} """);
            var item = Item("completed", whole);
            Write("response.output_item.done", $$""" "output_index":0,"item":{{item}} """);
            End(item, recipe.Tokens);
            await response.BodyWriter.FlushAsync(gone);
        }

        private void WriteDelta(ReadOnlySpan<byte> before, ReadOnlySpan<byte> piece, ReadOnlySpan<byte> after)
        {
            var line = response.BodyWriter.GetSpan(before.Length + piece.Length + after.Length + 16);
            before.CopyTo(line);
            piece.CopyTo(line[before.Length..]);
            after.CopyTo(line[(before.Length + piece.Length)..]);
            var length = before.Length + piece.Length + after.Length;
            Utf8Formatter.TryFormat(_number++, line[length..], out var digits);
            length += digits;
            "}\n\n"u8.CopyTo(line[length..]);
            response.BodyWriter.Advance(length + 3);
        }

        private string Item(string status, string text) =>
            $$"""{"id":"msg_{{_item}}","type":"message","status":"{{status}}","content":[{{(status == "completed" ? $$"""{"type":"output_text","annotations":[],"logprobs":[],"text":"{{text}}"}""" : "")}}],"role":"assistant"}""";

        private void Begin()
        {
            response.ContentType = "text/event-stream; charset=utf-8";
            Write("response.created", Whole("in_progress", "", "null"));
            Write("response.in_progress", Whole("in_progress", "", "null"));
        }

        private void End(string item, int tokens) => Write(
            "response.completed",
            Whole("completed", item, $$"""{"input_tokens":100,"input_tokens_details":{"cached_tokens":0},"output_tokens":{{tokens}},"output_tokens_details":{"reasoning_tokens":0},"total_tokens":{{100 + tokens}}}"""));

        private string Whole(string status, string output, string usage) => Response
            .Replace("ID", $"resp_{_response}", StringComparison.Ordinal).Replace("STATUS", status, StringComparison.Ordinal)
            .Replace("OUTPUT", output, StringComparison.Ordinal).Replace("USAGE", usage, StringComparison.Ordinal);

        private void Write(string type, string members)
        {
            var text = $"event: {type}\ndata: {{\"type\":\"{type}\",\"sequence_number\":{_number++},{members}}}\n\n";
            var written = Encoding.UTF8.GetBytes(text, response.BodyWriter.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length)));
            response.BodyWriter.Advance(written);
        }
    }
}
