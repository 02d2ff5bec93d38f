using System.Text;
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
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);

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
            try
            {
                await using var client = await ConnectAsync(cancellationToken);
                while (true)
                {
                    _doubted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    await RefreshAsync(client, cancellationToken);
                    backoff = null;

                    // Not all instances at the same moment.
                    var wait = _interval * (0.8 + (0.4 * Random.Shared.NextDouble()));
                    await Task.WhenAny(Task.Delay(wait, clock, cancellationToken), _doubted.Task, client.Completion);
                    cancellationToken.ThrowIfCancellationRequested();
                    if (client.Completion.IsCompleted)
                    {
                        break;
                    }
                }
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                _offered = new Dictionary<string, McpTool>();
                if (backoff is null)
                {
                    logger.McpAway(file.Name, McpFault.ReasonOf(exception));
                }

                backoff ??= new Backoff(FirstDelay, _interval, clock);
                await backoff.WaitAsync(null, cancellationToken);
            }
        }
    }

    /// <summary>Has the list of tools be asked for soon, since a call failed.</summary>
    public void Doubt() => _doubted.TrySetResult();

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
        var listed = await client.ListToolsAsync(cancellationToken: limit.Token);
        var offered = new Dictionary<string, McpTool>();
        foreach (var tool in listed.Where(tool => mcp.Tools.Contains(tool.Name)))
        {
            if (TryRead(tool.ProtocolTool, client, out var read) is { } reason)
            {
                logger.McpToolLeftOut(tool.Name, file.Name, reason);
                continue;
            }

            offered[tool.Name] = read!;
        }

        if (!offered.Keys.ToHashSet().SetEquals(_offered.Keys))
        {
            logger.McpTools(file.Name, offered.Count, mcp.Tools.Count);
        }

        _offered = offered;
    }

    /// <summary>Null, or why the tool cannot be offered.</summary>
    private string? TryRead(Tool tool, McpClient client, out McpTool? read)
    {
        read = null;
        var schema = tool.InputSchema.GetRawText();
        if (Encoding.UTF8.GetByteCount(schema) > MaxSchemaBytes)
        {
            return $"its schema has more than {MaxSchemaBytes} bytes";
        }

        if (JsonNode.Parse(schema) is not JsonObject parameters || ToolArguments.TypesOf(parameters) is not ["object"])
        {
            return "its schema is not that of an object";
        }

        var description = file.Secrets.Hide(tool.Description ?? "");
        read = new McpTool(
            tool.Name, description.Length > MaxDescriptionLength ? description[..MaxDescriptionLength] : description, parameters, tool.Annotations?.ReadOnlyHint, file, client, this);
        return null;
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
        _ => exception.GetType().Name,
    };

    private static bool IsPrivate(Exception? exception) => exception is PrivateAddressException || (exception is not null && IsPrivate(exception.InnerException));
}

/// <summary>Keeps the lists of all MCP servers up to date.</summary>
internal sealed class McpRefresh(DeclaredTools tools) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(tools.Servers.Select(server => server.RunAsync(stoppingToken)));
}
