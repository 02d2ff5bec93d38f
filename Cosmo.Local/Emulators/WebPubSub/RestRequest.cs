using System.Text.Json;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>A call of the REST API that has been let in.</summary>
internal sealed record RestRequest(HttpContext Context, Hub Hub)
{
    public string[] Excluded => Values("excluded");

    public string? Reason => Value("reason");

    public string[] Values(string name) => [.. Context.Request.Query[name].OfType<string>()];

    public string? Value(string name) => Context.Request.Query[name].FirstOrDefault();

    /// <summary>The body and its type; null if it is not of a type that the service takes, or is not what it says.</summary>
    /// <exception cref="BadHttpRequestException">It is larger than 1 MB.</exception>
    public async Task<MessageContent?> ReadContentAsync()
    {
        if (MessageContent.TypeOf(Context.Request.ContentType) is not { } type)
        {
            return null;
        }

        using var body = new MemoryStream();
        await Context.Request.Body.CopyToAsync(body, Context.RequestAborted);
        var content = new MessageContent(type, body.ToArray());
        return type != DataType.Json || IsJson(content.Bytes.Span) ? content : null;
    }

    public Task AnswerAsync(int status)
    {
        Context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static bool IsJson(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes);
            while (reader.Read())
            {
            }

            return bytes.Length > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
