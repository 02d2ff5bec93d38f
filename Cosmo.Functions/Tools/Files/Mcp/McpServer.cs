using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Cosmo.Functions.Tools.Files.Mcp;

/// <summary>
/// An MCP server (streamable HTTP) whose tools a file names. They come and go with it: it is asked for its list now and then, and while it is away with
/// growing delays. What it says of them is not trusted: descriptions and schemas have limits, and an odd one costs that tool alone.
/// </summary>
internal sealed class McpServer(
    ToolFile file, McpDefinition mcp, IHttpClientFactory clients, IOptions<ToolOptions> options, TimeProvider clock, ILogger<McpServer> logger)
{
    private const int MaxDescriptionLength = 1024;
    private const int MaxSchemaBytes = 16_384;
    private const int MaxPages = 20;
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(1);

    private readonly TimeSpan _interval = TimeSpan.FromSeconds(options.Value.McpRefreshSeconds);
    private volatile IReadOnlyDictionary<string, McpTool> _offered = new Dictionary<string, McpTool>();
    private TaskCompletionSource _doubted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The tools that the file names, whether the server is there or not.</summary>
    public IReadOnlyList<ITool> Tools => field ??= [.. mcp.Tools.Select(name => new ListedTool(name, file, this))];

    /// <summary>The tool as the server offers it now; null where it does not.</summary>
    public ITool? Find(string name) => _offered.GetValueOrDefault(name);

    /// <summary>Keeps the list of tools up to date until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Backoff? backoff = null;
        while (true)
        {
            McpClient? client = null;
            try
            {
                client = await ConnectAsync(cancellationToken);
                while (true)
                {
                    _doubted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    await RefreshAsync(client, cancellationToken);
                    backoff = null;
                    await WaitAsync(client, cancellationToken);
                }
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                _offered = new Dictionary<string, McpTool>();
                if (backoff is null)
                {
                    logger.McpAway(file.Name, McpFault.ReasonOf(exception));
                }

                backoff ??= new Backoff(FirstDelay, _interval < LongestDelay ? _interval : LongestDelay, clock);
                await backoff.WaitAsync(null, cancellationToken);
            }
            finally
            {
                // It tells the server that the session is over; one that does not listen is not waited for.
                await (client?.DisposeAsync().AsTask().WaitAsync(EndLimit, CancellationToken.None) ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Has the list of tools be asked for soon, since a call failed.</summary>
    public void Doubt() => _doubted.TrySetResult();

    /// <summary>Until the list is to be asked for again. Throws where the session has ended.</summary>
    private async Task WaitAsync(McpClient client, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        // Not all instances at the same moment.
        var wait = _interval * (0.8 + (0.4 * Random.Shared.NextDouble()));
        await Task.WhenAny(Task.Delay(wait, clock, waiting.Token), _doubted.Task, client.Completion);
        await waiting.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        if (client.Completion.IsCompleted)
        {
            throw new IOException("The session has ended.");
        }
    }

    private async Task<McpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(ConnectLimit, clock, cancellationToken);
        var transport = new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Endpoint = mcp.Url,
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = file.Headers.ToDictionary(header => header.Key, header => header.Value),
                EnableStandaloneGetStream = false,
                ConnectionTimeout = ConnectLimit,
            },
            clients.CreateClient(ServiceClients.NameFor(file.AllowsPrivate)),

            // Its log lines would hold addresses and what the server says.
            NullLoggerFactory.Instance,
            ownsHttpClient: true);
        try
        {
            return await McpClient.CreateAsync(
                transport,
                new McpClientOptions { ClientInfo = new Implementation { Name = "cosmo", Version = "1.0.0" }, InitializationTimeout = ConnectLimit },
                NullLoggerFactory.Instance,
                limit.Token);
        }
        catch
        {
            await transport.DisposeAsync();
            throw;
        }
    }

    private async Task RefreshAsync(McpClient client, CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(ConnectLimit, clock, cancellationToken);
        var offered = new Dictionary<string, McpTool>();
        foreach (var tool in await ListAsync(client, limit.Token))
        {
            if (tool["name"]?.Text is not { } name || !mcp.Tools.Contains(name))
            {
                continue;
            }

            if (FaultOf(tool, out var parameters) is { } fault)
            {
                logger.McpToolLeftOut(name, file.Name, fault);
                continue;
            }

            var description = file.Secrets.Hide(tool["description"]?.Text ?? "");
            offered[name] = new McpTool(
                name,
                description.Length > MaxDescriptionLength ? description[..MaxDescriptionLength] : description,
                parameters,
                tool["annotations"]?["readOnlyHint"]?.Kind == JsonValueKind.True,
                file,
                client,
                this);
        }

        if (!offered.Keys.ToHashSet().SetEquals(_offered.Keys))
        {
            logger.McpTools(file.Name, offered.Count, mcp.Tools.Count);
        }

        _offered = offered;
    }

    /// <summary>The tools as the server describes them. Not read by the package's own types, for which one tool of an odd form spoils the whole list.</summary>
    private static async Task<IReadOnlyList<ForeignJson>> ListAsync(McpClient client, CancellationToken cancellationToken)
    {
        var tools = new List<ForeignJson>();
        string? cursor = null;
        for (var page = 0; page == 0 || (cursor is not null && page < MaxPages); page++)
        {
            var listed = await client.SendRequestAsync<ListToolsRequestParams, JsonElement>(
                RequestMethods.ToolsList, new ListToolsRequestParams { Cursor = cursor }, cancellationToken: cancellationToken);
            ForeignJson.TryRead(Encoding.UTF8.GetBytes(listed.GetRawText()), out var json, out _);
            tools.AddRange(json["tools"]?.Elements() ?? []);
            cursor = json["nextCursor"]?.Text;
        }

        return tools;
    }

    /// <summary>Null, or why the tool cannot be offered.</summary>
    private string? FaultOf(ForeignJson tool, out JsonObject parameters)
    {
        parameters = [];
        if (tool["inputSchema"] is not { } schema)
        {
            return "it has no schema";
        }

        if (schema.Raw.Length > MaxSchemaBytes)
        {
            return $"its schema has more than {MaxSchemaBytes} bytes";
        }

        var text = Encoding.UTF8.GetString(schema.Raw);
        if (file.Secrets.Hide(text) != text)
        {
            return "its schema has what a setting holds";
        }

        try
        {
            if (JsonNode.Parse(schema.Raw, null, new JsonDocumentOptions { AllowDuplicateProperties = false }) is JsonObject members && ToolArguments.TypesOf(members) is ["object"])
            {
                parameters = members;
                return null;
            }

            return "its schema is not that of an object";
        }
        catch (JsonException)
        {
            return "its schema cannot be read";
        }
    }
}

/// <summary>What is said of a failure: never its text, which may hold addresses and whatever the server says.</summary>
internal static class McpFault
{
    public static string ReasonOf(Exception exception) => exception switch
    {
        _ when IsPrivate(exception) => "a private address, which the file does not allow",
        OperationCanceledException or TimeoutException => "no answer in time",
        HttpRequestException { StatusCode: { } status } => $"status {(int)status}",
        HttpRequestException http => $"connection ({http.HttpRequestError})",
        McpException => "it answered with an error",
        IOException => "the connection ended",
        _ => exception.GetType().Name,
    };

    private static bool IsPrivate(Exception? exception) => exception is PrivateAddressException || (exception is not null && IsPrivate(exception.InnerException));
}

/// <summary>Keeps the lists of all MCP servers up to date.</summary>
internal sealed class McpRefresh(DeclaredTools tools) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(tools.Servers.Select(server => server.RunAsync(stoppingToken)));
}
