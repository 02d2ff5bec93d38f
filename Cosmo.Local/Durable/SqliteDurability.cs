using Cosmo.Local.Host;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Cosmo.Local.Durable;

/// <summary>Offers the store to the official extension, which takes it if host.json's <c>extensions:durableTask:storageProvider:type</c> is <c>sqlite</c>.</summary>
internal static class SqliteDurabilityServiceCollectionExtensions
{
    /// <param name="services">The services of the WebJobs host, after <c>AddDurableTask</c>.</param>
    /// <param name="databasePath">The file; nothing is made of it before the extension asks for the store.</param>
    public static IServiceCollection AddSqliteDurability(this IServiceCollection services, string databasePath)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<IDurabilityProviderFactory>(provider => new SqliteDurabilityProviderFactory(
            databasePath,
            provider.GetRequiredService<IOptions<DurableTaskOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILoggerFactory>()));
        return services;
    }
}

/// <summary>
/// Opens the store when the extension chooses it. There is one: the default and every client share it, since one process owns the file and one
/// file holds one task hub.
/// </summary>
internal sealed class SqliteDurabilityProviderFactory(
    string databasePath, IOptions<DurableTaskOptions> options, TimeProvider time, ILoggerFactory loggers) : IDurabilityProviderFactory, IAsyncDisposable, IDisposable
{
    public const string ProviderName = "sqlite";

    private readonly Lock _lock = new();
    private SqliteOrchestrationService? _service;
    private SqliteDurabilityProvider? _provider;
    private bool _disposed;

    public string Name => ProviderName;

    /// <exception cref="StartupException">The database is in use or damaged, or a setting is wrong.</exception>
    public DurabilityProvider GetDurabilityProvider()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _provider ??= Open();
        }
    }

    /// <exception cref="InvalidOperationException">The attribute names another task hub.</exception>
    public DurabilityProvider GetDurabilityProvider(DurableClientAttribute attribute)
    {
        var hub = options.Value.HubName;
        return string.IsNullOrEmpty(attribute.TaskHub) || string.Equals(attribute.TaskHub, hub, StringComparison.OrdinalIgnoreCase)
            ? GetDurabilityProvider()
            : throw new InvalidOperationException(
                $"The sqlite storage provider keeps one task hub, '{hub}', but a durable client asks for '{attribute.TaskHub}'. Leave its TaskHub out.");
    }

    public void SetUseSeparateQueueForEntityWorkItems(bool newValue)
    {
    }

    public async ValueTask DisposeAsync()
    {
        SqliteOrchestrationService? service;
        lock (_lock)
        {
            _disposed = true;
            service = _service;
        }

        if (service is not null)
        {
            await service.DisposeAsync();
        }
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private SqliteDurabilityProvider Open()
    {
        var durable = options.Value;
        var settings = new SqliteDurabilityOptions { DatabasePath = databasePath };
        settings = settings with
        {
            Synchronous = SqliteDurabilityOptions.ReadSynchronous(durable.StorageProvider.TryGetValue("synchronous", out var value) ? value : null),
            MaxConcurrentActivities = durable.MaxConcurrentActivityFunctions ?? settings.MaxConcurrentActivities,
            MaxConcurrentOrchestrators = durable.MaxConcurrentOrchestratorFunctions ?? settings.MaxConcurrentOrchestrators,
            MaxConcurrentEntities = durable.MaxConcurrentEntityFunctions ?? settings.MaxConcurrentEntities,
        };
        _service = new SqliteOrchestrationService(settings, time, loggers.CreateLogger("Cosmo.Local.Durable"));
        return new SqliteDurabilityProvider(_service, settings);
    }
}
