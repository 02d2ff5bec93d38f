using System.ClientModel;
using System.ClientModel.Primitives;
using Azure.Identity;
using Microsoft.Extensions.Options;
using OpenAI;
using OpenAI.Conversations;
using OpenAI.Models;
using OpenAI.Responses;

namespace Cosmo.Functions.Assistants;

/// <summary>The clients of the OpenAI package. They try everything once: when to try again is decided here, where it is known what was shown.</summary>
internal sealed class OpenAIClients : IDisposable
{
    private const string AzureScope = "https://ai.azure.com/.default";

    /// <summary>In bytes. A piece of text comes in an event of 200 and more.</summary>
    private const int LessThanAnEvent = 128;

    /// <summary>
    /// As the package's own, but for two things. A response that is left is read on no further than to the end of a stream whose last event was read, which
    /// keeps its connection; .NET reads on for two seconds by itself, but only when the connection breaks the service stops to make the response, and lets go
    /// of its conversation. And a name is looked up again now and then.
    /// </summary>
    private readonly HttpClientPipelineTransport _transport = new(new HttpClient(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        MaxResponseDrainSize = LessThanAnEvent,
        ResponseDrainTimeout = TimeSpan.FromSeconds(0.25),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    });

    public OpenAIClients(IOptions<AssistantOptions> options)
    {
        var settings = options.Value;
        Provider = settings.IsAzure ? "azure.ai.openai" : "openai";
        var authentication = Authentication(settings);
        var calls = TimeSpan.FromSeconds(settings.CallTimeoutSeconds);
        var streams = Once(new ResponsesClientOptions { Endpoint = settings.Endpoint }, Timeout.InfiniteTimeSpan);
        streams.AddPolicy(new AskForEvents(), PipelinePosition.PerTry);
        Streams = new(authentication, streams);
        Responses = new(authentication, Once(new ResponsesClientOptions { Endpoint = settings.Endpoint }, calls));
        Conversations = new(authentication, Once(new ConversationClientOptions { Endpoint = settings.Endpoint }, calls));
        Models = new(authentication, Once(new OpenAIClientOptions { Endpoint = settings.Endpoint }, calls));
    }

    /// <summary>Whose service it is, as OpenTelemetry's conventions name it.</summary>
    public string Provider { get; }

    /// <summary>For streamed responses. They have no time limit of their own: see <see cref="SilenceLimit"/>.</summary>
    public ResponsesClient Streams { get; }

    /// <summary>For responses that were made.</summary>
    public ResponsesClient Responses { get; }

    public ConversationClient Conversations { get; }

    public OpenAIModelClient Models { get; }

    public void Dispose() => _transport.Dispose();

    private static AuthenticationPolicy Authentication(AssistantOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.ApiKey))
        {
            return new BearerTokenPolicy(new DefaultAzureCredential(), AzureScope);
        }

        var key = new ApiKeyCredential(options.ApiKey);
        return options.IsAzure
            ? ApiKeyAuthenticationPolicy.CreateHeaderApiKeyPolicy(key, "api-key")
            : ApiKeyAuthenticationPolicy.CreateBearerAuthorizationPolicy(key);
    }

    private T Once<T>(T options, TimeSpan networkTimeout)
        where T : ClientPipelineOptions
    {
        options.Transport = _transport;
        options.RetryPolicy = new ClientRetryPolicy(0);
        options.NetworkTimeout = networkTimeout;
        return options;
    }
}

/// <summary>
/// Asks for events where the client does not see it. Of a request that it sees to want them it reads the stream itself, byte by byte, and sends the whole request
/// again, without end, when a stream with event ids breaks: that would ask the question a second time. Whether to ask again is decided by <see cref="OpenAIAssistant"/>.
/// </summary>
internal sealed class AskForEvents : PipelinePolicy
{
    /// <summary>What the client sees.</summary>
    public const string Unseen = "*/*";

    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Ask(message);
        ProcessNext(message, pipeline, currentIndex);
    }

    public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Ask(message);
        return ProcessNextAsync(message, pipeline, currentIndex);
    }

    private static void Ask(PipelineMessage message) => message.Request.Headers.Set("Accept", "text/event-stream");
}
