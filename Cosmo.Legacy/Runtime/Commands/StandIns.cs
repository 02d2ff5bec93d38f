using Cosmo.Local.SampleData;

namespace Cosmo.Local.Runtime.Commands;

/// <summary>What the local edition puts in the place of a source that no setting names, so that every tool has one.</summary>
internal sealed class StandIns(string dataFolder)
{
    private const string Weather = "Cosmo:Tools:Weather:";
    private const string Database = "Cosmo:Tools:Database:";
    private const string WeatherEmulator = "http://127.0.0.1:7074";

    /// <summary>The sample database if the settings name no other.</summary>
    public SampleDatabase? DatabaseFor(IConfiguration settings) =>
        Get(settings, Database + "ConnectionString", "MSSQL_CONNECTION_STRING") is null ? new SampleDatabase(dataFolder) : null;

    /// <summary>The settings with those of the stand-ins. Without a key the real weather service is not called.</summary>
    public IConfiguration AddTo(IConfiguration settings)
    {
        var added = new Dictionary<string, string?>();
        if (DatabaseFor(settings) is { } sample)
        {
            added[Database + "ConnectionString"] = sample.ConnectionString;
            added[Database + "Provider"] = SampleDatabase.Provider;
            added[Database + "OfficesCommand"] = SampleDatabase.OfficesCommand;
        }

        if (Get(settings, Weather + "ApiKey", "OPENWEATHER_API_KEY") is null)
        {
            added[Weather + "ApiKey"] = "none";
            if (new LoopbackSetting("", "", Get(settings, Weather + "BaseUrl", "OPENWEATHER_BASE_URL")).Address is null)
            {
                added[Weather + "BaseUrl"] = WeatherEmulator;
            }
        }

        // Not AddConfiguration: chained, it hides settings that are set to an empty text.
        return new ConfigurationBuilder()
            .AddInMemoryCollection(settings.AsEnumerable().Where(setting => setting.Value is not null))
            .AddInMemoryCollection(added)
            .Build();
    }

    private static string? Get(IConfiguration settings, string place, string flatName) =>
        new[] { settings[place], settings[flatName] }.FirstOrDefault(value => !string.IsNullOrWhiteSpace(value));
}
