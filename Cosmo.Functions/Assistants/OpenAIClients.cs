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
internal sealed class OpenAIClients
{
    private const string AzureScope = "https://ai.azure.com/.default";

    public OpenAIClients(IOptions<AssistantOptions> options)
    {
        var settings = options.Value;
        Provider = settings.IsAzure ? "azure.ai.openai" : "openai";
        var authentication = Authentication(settings);
        var streams = TimeSpan.FromSeconds(settings.StreamSilenceSeconds);
        var calls = TimeSpan.FromSeconds(settings.CallTimeoutSeconds);
        Streams = new(authentication, Once(new ResponsesClientOptions { Endpoint = settings.Endpoint }, streams));
        Responses = new(authentication, Once(new ResponsesClientOptions { Endpoint = settings.Endpoint }, calls));
        Conversations = new(authentication, Once(new ConversationClientOptions { Endpoint = settings.Endpoint }, calls));
        Models = new(authentication, Once(new OpenAIClientOptions { Endpoint = settings.Endpoint }, calls));
    }

    /// <summary>Whose service it is, as OpenTelemetry's conventions name it.</summary>
    public string Provider { get; }

    /// <summary>For streamed responses.</summary>
    public ResponsesClient Streams { get; }

    /// <summary>For responses that were made.</summary>
    public ResponsesClient Responses { get; }

    public ConversationClient Conversations { get; }

    public OpenAIModelClient Models { get; }

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

    private static T Once<T>(T options, TimeSpan networkTimeout)
        where T : ClientPipelineOptions
    {
        options.RetryPolicy = new ClientRetryPolicy(0);
        options.NetworkTimeout = networkTimeout;
        options.AddPolicy(new RefuseReplay(), PipelinePosition.PerTry);
        return options;
    }
}

/// <summary>
/// When a stream with event ids breaks, the client sends the whole request again by itself, without end. For a response that would ask the
/// question a second time; whether to ask again is decided by <see cref="OpenAIAssistant"/>.
/// </summary>
internal sealed class RefuseReplay : PipelinePolicy
{
    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Refuse(message);
        ProcessNext(message, pipeline, currentIndex);
    }

    public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Refuse(message);
        return ProcessNextAsync(message, pipeline, currentIndex);
    }

    private static void Refuse(PipelineMessage message)
    {
        if (message.Request.Headers.TryGetValue("Last-Event-ID", out _))
        {
            throw new StreamBrokenException();
        }
    }
}

/// <summary>A stream broke. The client takes an <see cref="IOException"/> here for one more break and tries on; this it passes on.</summary>
internal sealed class StreamBrokenException() : Exception("The stream broke off.");
