namespace Cosmo.Functions.Hosting;

/// <summary>
/// The flat names under which operators know the settings, and their place in the configuration.
/// A setting found in its own place wins over one found under its flat name.
/// </summary>
internal static class SettingNames
{
    public static IReadOnlyDictionary<string, string> Places { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["RABBITMQ_URL"] = "Cosmo:Receiving:RabbitMQUrl",
        ["EXCHANGE_NAME"] = "Cosmo:Receiving:Exchange",
        ["QUEUE_NAME"] = "Cosmo:Receiving:Queue",
        ["ROUTING_KEY"] = "Cosmo:Receiving:RoutingKey",
        ["REDIS_URL"] = "Cosmo:Redis:Url",
        ["REDIS_CA_FILE"] = "Cosmo:Redis:CaFile",
        ["REDIS_PREFIX"] = "Cosmo:Redis:Prefix",
        ["REDIS_THREAD_EXPIRY"] = "Cosmo:Threads:ExpirySeconds",
        ["THREAD_RETENTION_DAYS"] = "Cosmo:Threads:RetentionDays",
        ["HISTORY_RETENTION_DAYS"] = "Cosmo:Administration:HistoryDays",
        ["OPENAI_API_KEY"] = "Cosmo:Assistants:ApiKey",
        ["OPENAI_MODEL"] = "Cosmo:Assistants:Model",
        ["OPENAI_BASE_URL"] = "Cosmo:Assistants:BaseUrl",
        ["AZURE_OPENAI_ENDPOINT"] = "Cosmo:Assistants:AzureEndpoint",
        ["PROFILES_PATH"] = "Cosmo:Assistants:ProfilesPath",
        ["APPROVAL_MINUTES"] = "Cosmo:Conversations:ApprovalMinutes",
        ["CHANNEL_ACCESS"] = "Cosmo:Access:Mode",
        ["CLIENT_MESSAGES"] = "Cosmo:Access:ClientMessages",
        ["USER_MESSAGES_PER_MINUTE"] = "Cosmo:Access:MessagesPerMinute",
        ["USER_TOKENS_PER_DAY"] = "Cosmo:Access:TokensPerDay",
        ["NEGOTIATIONS_PER_MINUTE"] = "Cosmo:Access:NegotiationsPerMinute",
        ["EVENTS_PER_MINUTE"] = "Cosmo:Access:EventsPerMinute",
        ["USAGE_DAYS"] = "Cosmo:Access:UsageDays",
        ["WEB_PUBSUB_CONNECTION_STRING"] = "Cosmo:Delivery:ConnectionString",
        ["WEB_PUBSUB_ENDPOINT"] = "Cosmo:Delivery:Endpoint",
        ["WEB_PUBSUB_HUB"] = "Cosmo:Delivery:Hub",
        ["TOOLS_PATH"] = "Cosmo:Tools:Path",
        ["OPENWEATHER_API_KEY"] = "Cosmo:Tools:Weather:ApiKey",
        ["OPENWEATHER_BASE_URL"] = "Cosmo:Tools:Weather:BaseUrl",
        ["MSSQL_CONNECTION_STRING"] = "Cosmo:Tools:Database:ConnectionString",
        ["AUDIT_API_URL"] = "Cosmo:Tools:AuditApi:BaseUrl",
        ["USER_ROLE_API_URL"] = "Cosmo:Tools:UserRoleApi:BaseUrl",
        ["X_API_KEY"] = "Cosmo:Tools:ApiKey",
    };

    /// <summary>Puts every flat name that is set at its place, below all other sources.</summary>
    public static void AddFlatNames(IConfigurationManager configuration)
    {
        var found = new Dictionary<string, string?>();
        foreach (var (name, place) in Places)
        {
            if (configuration[name] is { Length: > 0 } value)
            {
                found[place] = value;
            }
        }

        configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource { InitialData = found });
    }
}
