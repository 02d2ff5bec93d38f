using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.Protocol;

namespace Cosmo.Functions.Tests.Tools.Files;

/// <summary>An MCP server of the official package, whose tools are what a test says at the moment.</summary>
internal sealed class McpStub : IAsyncDisposable
{
    private readonly WebApplication _app;

    private McpStub(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.Single());

    /// <summary>What is listed, in the protocol's own JSON.</summary>
    public string Tools { get; set; } = "[]";

    /// <summary>Changes what goes out, such as into what the package's types cannot hold.</summary>
    public Func<string, string>? Rewrite { get; set; }

    /// <summary>What a call gives.</summary>
    public Func<CallToolRequestParams, CancellationToken, Task<CallToolResult>> Call { get; set; } = (call, _) => Task.FromResult(Text($"called {call.Name}"));

    /// <summary>The method and the headers of each message.</summary>
    public ConcurrentQueue<(string Method, IHeaderDictionary Headers)> Messages { get; } = new();

    /// <summary>Where it is set, every request gets this status.</summary>
    public int? Status { get; set; }

    public static CallToolResult Text(string text) => new() { Content = [new TextContentBlock { Text = text }] };

    public static async Task<McpStub> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        McpStub? stub = null;
        builder.Services.AddMcpServer()
            .WithHttpTransport()
            .WithListToolsHandler((_, _) =>
            {
                stub!.Messages.Enqueue(("tools/list", new HeaderDictionary()));
                return ValueTask.FromResult(new ListToolsResult { Tools = JsonSerializer.Deserialize<IList<Tool>>(stub.Tools, ModelContextProtocol.McpJsonUtilities.DefaultOptions)! });
            })
            .WithCallToolHandler(async (request, cancellationToken) => await stub!.Call(request.Params!, cancellationToken));
        stub = new McpStub(builder.Build());
        stub._app.Use(next => async context =>
        {
            stub.Messages.Enqueue((context.Request.Method, new HeaderDictionary(context.Request.Headers.ToDictionary())));
            if (stub.Status is { } status)
            {
                context.Response.StatusCode = status;
            }
            else if (stub.Rewrite is { } rewrite)
            {
                var wire = context.Response.Body;
                using var answer = new MemoryStream();
                context.Response.Body = answer;
                await next(context);
                context.Response.Body = wire;
                await context.Response.WriteAsync(rewrite(Encoding.UTF8.GetString(answer.ToArray())));
            }
            else
            {
                await next(context);
            }
        });
        stub._app.MapMcp();
        await stub._app.StartAsync();
        return stub;
    }

    /// <summary>Waits until its list was asked for so often.</summary>
    public async Task ListedAsync(int times)
    {
        while (Messages.Count(message => message.Method == "tools/list") < times)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
