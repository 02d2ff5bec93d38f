using System.Globalization;
using System.Text.Json;

namespace Cosmo.Local.Emulators.WebPubSub.Rest;

/// <summary>A call of the REST API that has been let in.</summary>
internal sealed record RestRequest(HttpContext Context, Hub Hub)
{
    private const int MaxTtlSeconds = 300;

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

    /// <summary>When a message that waits for a reliable client is no longer sent; null if it does not say.</summary>
    /// <exception cref="BadHttpRequestException">It says something else than 0 to 300 seconds.</exception>
    public DateTimeOffset? Expires(TimeProvider time) => Value("messageTtlSeconds") switch
    {
        null or "0" => null,
        { } text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= MaxTtlSeconds => time.GetUtcNow().AddSeconds(seconds),
        _ => throw new BadHttpRequestException($"messageTtlSeconds must be 0 to {MaxTtlSeconds}."),
    };

    /// <summary>Reads which groups the connections of which filter shall be in, or not.</summary>
    /// <exception cref="BadHttpRequestException">The body is something else.</exception>
    public async Task<FilteredGroups> ReadGroupsAsync()
    {
        try
        {
            var body = await JsonSerializer.DeserializeAsync<FilteredGroups>(Context.Request.Body, JsonSerializerOptions.Web, Context.RequestAborted);
            return body is { Groups.Length: > 0 } && Array.TrueForAll(body.Groups, GroupName.IsValid) ? body : throw new BadHttpRequestException(GroupName.Rule);
        }
        catch (JsonException error)
        {
            throw new BadHttpRequestException("The body must be {\"groups\": [\"…\"], \"filter\": \"…\"}.", error);
        }
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

/// <summary>The body of <c>:addToGroups</c> and <c>:removeFromGroups</c>. Without a filter it is about all connections.</summary>
internal sealed record FilteredGroups(string[] Groups, string? Filter);
