using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.Assistants;

/// <summary>The rooms that make answers, on a clock that skips the waits between tries.</summary>
internal sealed class AssistantSetup : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public AssistantSetup(Uri endpoint, IDictionary<string, string?>? settings = null, RedisConnection? redis = null)
    {
        var configuration = new Dictionary<string, string?>
        {
            ["Cosmo:Assistants:ApiKey"] = "sk-test-secret",
            ["Cosmo:Assistants:BaseUrl"] = new Uri(endpoint, "v1").ToString(),
            ["Cosmo:Tools:Weather:ApiKey"] = "weather",
        };
        foreach (var (name, value) in settings ?? new Dictionary<string, string?>())
        {
            configuration[name] = value;
        }

        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build());
        services.AddLogging(logging => logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Information));
        services.AddSingleton<TimeProvider>(Time);
        if (redis is not null)
        {
            services.AddSingleton(redis);
        }

        services.AddTools().AddAssistants();
        _services = services.BuildServiceProvider();
    }

    public ManualTimeProvider Time { get; } = new() { SkipUpTo = TimeSpan.FromSeconds(14) };

    public RecordedLogs Logs { get; } = new();

    public IAssistant Assistant => Get<IAssistant>();

    private DateTimeOffset Minute => Time.GetUtcNow() + TimeSpan.FromSeconds(60);

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    public AssistantRequest Question(string threadId, string question, string? earlier = null) =>
        new(threadId, question, [], Caller.TrustedProducer, null, earlier, Minute, Minute);

    public AssistantRequest Outputs(string threadId, params ToolOutput[] outputs) =>
        new(threadId, null, outputs, Caller.TrustedProducer, null, null, Minute, Minute);

    public Task<AssistantResponse> AskAsync(string threadId, string question, Heard? heard = null) =>
        Assistant.RespondAsync(Question(threadId, question), heard ?? new Heard(), TestContext.Current.CancellationToken);

    public async Task<AssistantFailure> FailsAsync(string threadId, string question, Heard? heard = null) =>
        (await Should.ThrowAsync<AssistantException>(AskAsync(threadId, question, heard))).Failure;
}
