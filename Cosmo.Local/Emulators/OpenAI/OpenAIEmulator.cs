using Cosmo.Local.Emulators.OpenAI.Controls;
using Cosmo.Local.Emulators.OpenAI.Endpoints;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>
/// OpenAI's Responses and Conversations APIs over the wire, under <c>/v1</c> and <c>/openai/v1</c>, with rules in the place
/// of a model. README.md beside this file says what it knows and how tests steer it.
/// </summary>
internal sealed class OpenAIEmulator : IAsyncDisposable
{
    private readonly LoopbackServer _server;
    private readonly CancellationTokenSource _stopping;

    private OpenAIEmulator(LoopbackServer server, CancellationTokenSource stopping)
    {
        _server = server;
        _stopping = stopping;
    }

    /// <summary>The root. A client's endpoint is <c>v1</c> below it, the controls are <c>emulator/…</c>.</summary>
    public Uri Url => _server.Url;

    public static async Task<OpenAIEmulator> StartAsync(OpenAIEmulatorOptions options, CancellationToken cancellationToken = default)
    {
        var stopping = new CancellationTokenSource();
        var server = await LoopbackServer.StartAsync(options.Url, app => Map(app, options, stopping.Token), cancellationToken);
        return new OpenAIEmulator(server, stopping);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _server.DisposeAsync();
        _stopping.Dispose();
    }

    private static void Map(WebApplication app, OpenAIEmulatorOptions options, CancellationToken stopping)
    {
        var inventory = new Inventory(options);
        var faults = new RuleList<Fault>();
        var script = new RuleList<ScriptedAnswer>();
        var log = new RequestLog(options.MaxLoggedRequests, options.TimeProvider);
        var conversations = new ConversationEndpoints(inventory);
        var responses = new ResponseEndpoints(inventory);
        var create = new CreateResponseEndpoint(inventory, new FaultyModel(script), faults, options, stopping);

        app.UseRouting();
        app.Use(next => context => new ApiPipeline(log, faults, options.TimeProvider).InvokeAsync(context, next));
        foreach (var prefix in (string[])["/v1", "/openai/v1"])
        {
            var api = app.MapGroup(prefix);
            conversations.Map(api);
            responses.Map(api);
            create.Map(api);
        }

        new ControlEndpoints(faults, script, log, conversations).Map(app);
        app.MapFallback(ApiPipeline.NotFoundAsync);
    }
}
