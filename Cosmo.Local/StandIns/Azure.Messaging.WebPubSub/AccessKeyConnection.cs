namespace Azure.Messaging.WebPubSub;

/// <summary>What a Web PubSub connection string holds: <c>Endpoint=…;AccessKey=…;Port=…;</c>, names in any case.</summary>
internal sealed record AccessKeyConnection(Uri Endpoint, string AccessKey)
{
    /// <exception cref="ArgumentException">A property is missing, stands twice, or the port is no port.</exception>
    public static AccessKeyConnection Parse(string connectionString)
    {
        ArgumentNullException.ThrowIfNull(connectionString);

        var properties = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in connectionString.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = property.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts.Length == 2 && !properties.TryAdd(parts[0], parts[1]))
            {
                throw new ArgumentException($"Duplicate properties found in connection string: {parts[0]}.", nameof(connectionString));
            }
        }

        var endpoint = new UriBuilder(Required("Endpoint").TrimEnd('/'));
        var accessKey = Required("AccessKey");
        if (properties.TryGetValue("Port", out var port))
        {
            endpoint.Port = int.TryParse(port, out var number) && number is > 0 and <= ushort.MaxValue
                ? number
                : throw new ArgumentException($"Invalid Port value: {port}", nameof(connectionString));
        }

        return new AccessKeyConnection(endpoint.Uri, accessKey);

        string Required(string name) => properties.TryGetValue(name, out var value)
            ? value
            : throw new ArgumentException($"Required property not found in connection string: {name}.", nameof(connectionString));
    }
}
