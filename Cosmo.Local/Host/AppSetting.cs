namespace Cosmo.Local.Host;

/// <summary>A setting of the app that the services around it need to know too: found at its place in the configuration, else under its flat name.</summary>
/// <param name="Name">The flat name.</param>
/// <param name="Place">The place in the configuration.</param>
/// <param name="Default">What the app takes where it is not set; null where that need not be known.</param>
internal sealed record AppSetting(string Name, string Place, string? Default = null)
{
    public static readonly AppSetting RedisUrl = new("REDIS_URL", "Cosmo:Redis:Url");
    public static readonly AppSetting RabbitMQUrl = new("RABBITMQ_URL", "Cosmo:Receiving:RabbitMQUrl");
    public static readonly AppSetting Exchange = new("EXCHANGE_NAME", "Cosmo:Receiving:Exchange", "cosmo_exchange");
    public static readonly AppSetting RoutingKey = new("ROUTING_KEY", "Cosmo:Receiving:RoutingKey", "cosmo_key");
    public static readonly AppSetting WebPubSubConnectionString = new("WEB_PUBSUB_CONNECTION_STRING", "Cosmo:Delivery:ConnectionString");
    public static readonly AppSetting WebPubSubHub = new("WEB_PUBSUB_HUB", "Cosmo:Delivery:Hub");
    public static readonly AppSetting OpenAIUrl = new("OPENAI_BASE_URL", "Cosmo:Assistants:BaseUrl");
    public static readonly AppSetting WeatherUrl = new("OPENWEATHER_BASE_URL", "Cosmo:Tools:Weather:BaseUrl");
    public static readonly AppSetting WeatherKey = new("OPENWEATHER_API_KEY", "Cosmo:Tools:Weather:ApiKey");
    public static readonly AppSetting DatabaseConnectionString = new("MSSQL_CONNECTION_STRING", "Cosmo:Tools:Database:ConnectionString");
    public static readonly AppSetting AuditApiUrl = new("AUDIT_API_URL", "Cosmo:Tools:AuditApi:BaseUrl");
    public static readonly AppSetting UserRoleApiUrl = new("USER_ROLE_API_URL", "Cosmo:Tools:UserRoleApi:BaseUrl");
    public static readonly AppSetting ToolsPath = new("TOOLS_PATH", "Cosmo:Tools:Path");

    /// <summary>Of the sample tool; the app knows it by the file alone.</summary>
    public static readonly AppSetting ExchangeRatesUrl = new("EXCHANGE_RATES_URL", "EXCHANGE_RATES_URL");

    /// <summary>Its value; <see cref="Default"/> where it is not set or empty.</summary>
    public string? In(IConfiguration configuration) =>
        new[] { configuration[Place], configuration[Name] }.FirstOrDefault(value => !string.IsNullOrWhiteSpace(value)) ?? Default;
}
