using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Terminal;

/// <summary>The functions of a deployment, called with its key.</summary>
internal sealed partial class Deployment : IDisposable
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(100);

    /// <summary>What a deployment says in words of HTTP, in the terminal's; by the titles of its problems.</summary>
    private static readonly Dictionary<string, string> InTerminal = new()
    {
        ["No such conversation"] = "No message with this id was taken in within the last day. An older one needs its channel: --channel CHANNEL.",
        ["No such answer"] = "Nothing is kept of an answer to this message in this channel: it was not taken in, or its history was purged. What was refused is in: cosmo dead-letters list",
        ["No such thread"] = "This channel has neither a thread nor metadata. Those that there are: cosmo threads list",
        ["No such assistant"] = "No assistant with this id is stored. The one in use is stored by: cosmo assistant create",
        ["A deletion runs already"] = "A deletion runs already. Follow it with cosmo operations watch thread-deletion, or end it with cosmo operations cancel thread-deletion.",
        ["A replay runs already"] = "A replay runs already. Follow it with cosmo operations watch dead-letter-replay, or end it with cosmo operations cancel dead-letter-replay.",
        ["Not a choice of threads"] = "DAYS must be a whole number from 1 to 36500.",
    };

    private readonly HttpClient _http;

    /// <param name="url">What the routes hang on, such as <c>https://NAME.azurewebsites.net/api</c>.</param>
    /// <param name="key">The master key; null if none is known.</param>
    public Deployment(Uri url, string? key)
    {
        (Url, Key) = (url, key);
        _http = new HttpClient { BaseAddress = new Uri(url.AbsoluteUri.TrimEnd('/') + "/"), Timeout = TimeLimit };
        if (key is not null)
        {
            _http.DefaultRequestHeaders.Add("x-functions-key", key);
        }
    }

    public Uri Url { get; }

    /// <summary>The master key; null if none is known.</summary>
    public string? Key { get; }

    /// <summary>Calls a function and returns its answer.</summary>
    /// <param name="address">Relative to the deployment, or absolute as an earlier answer gave it.</param>
    /// <exception cref="TerminalException">It was not reached, or it answered with an error.</exception>
    public async Task<JsonObject> CallAsync(HttpMethod method, string address, JsonObject? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, address) { Content = body is null ? null : JsonContent.Create(body) };
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            var answer = Read(text);
            return response.IsSuccessStatusCode ? answer ?? [] : throw Refused(response.StatusCode, answer);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new TerminalException(
                ExitCodes.Unreachable, $"Cosmo does not answer at {Url}. Start it with ./cosmo run, or give with --url the address of the functions that it printed, or of any deployment.", e);
        }
    }

    public void Dispose() => _http.Dispose();

    private static JsonObject? Read(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            // Empty, or the page of a gateway.
            return null;
        }
    }

    private TerminalException Refused(HttpStatusCode status, JsonObject? problem) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new(
            ExitCodes.Unreachable, $"{Url} does not accept the key. Give its master key with --key or COSMO_KEY."),
        HttpStatusCode.NotFound when problem is null => new(ExitCodes.NotFound, $"{Url} has no such function. Is it the address of Cosmo, with /api at its end?"),
        _ => new(status == HttpStatusCode.NotFound ? ExitCodes.NotFound : ExitCodes.Failed, Say(status, problem)),
    };

    private static string Say(HttpStatusCode status, JsonObject? problem) =>
        problem?["detail"]?.ToString() is not { } detail ? $"Something between here and Cosmo answered with an error ({(int)status}): a gateway, or an app that is just starting. Please try again in a moment."
        : InTerminal.GetValueOrDefault(problem["title"]?.ToString() ?? "") is { } said ? said
        : $"{problem["title"]}: {Parameter().Replace(detail, "--$1 must be")}";

    [GeneratedRegex("'([a-zA-Z]+)' must be")]
    private static partial Regex Parameter();
}
