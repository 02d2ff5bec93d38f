using Cosmo.Local.Emulators;
using Cosmo.Local.Host;

namespace Cosmo.Local.SampleData;

/// <summary>What this machine puts in the place of a source that no setting names, so that every tool has one.</summary>
internal sealed class SampleSources(string dataFolder, LocalSettings local)
{
    private const string DatabaseProvider = "Cosmo:Tools:Database:Provider";
    private const string OfficesCommand = "Cosmo:Tools:Database:OfficesCommand";

    /// <summary>The tools that are files.</summary>
    public static string ToolsFolder { get; } = Path.Combine(AppContext.BaseDirectory, "SampleData", "Tools");

    /// <summary>The sample database if the settings name no other.</summary>
    public SampleDatabase? DatabaseFor(IConfiguration settings) =>
        AppSetting.DatabaseConnectionString.In(settings) is null ? new SampleDatabase(dataFolder) : null;

    /// <summary>The settings with those of the sample sources. Without a key the real weather service is not called.</summary>
    public IConfiguration AddTo(IConfiguration settings)
    {
        var added = new Dictionary<string, string?>();
        if (DatabaseFor(settings) is { } sample)
        {
            added[AppSetting.DatabaseConnectionString.Place] = sample.ConnectionString;
            added[DatabaseProvider] = SampleDatabase.Provider;
            added[OfficesCommand] = SampleDatabase.OfficesCommand;
        }

        if (AppSetting.WeatherKey.In(settings) is null)
        {
            added[AppSetting.WeatherKey.Place] = "none";
            if (new LoopbackSetting("", "", AppSetting.WeatherUrl.In(settings)).Address is null)
            {
                added[AppSetting.WeatherUrl.Place] = $"http://127.0.0.1:{local.BackendsPort}";
            }
        }

        if (AppSetting.ToolsPath.In(settings) is null && AppSetting.ExchangeRatesUrl.In(settings) is not null)
        {
            added[AppSetting.ToolsPath.Place] = ToolsFolder;
        }

        // Not AddConfiguration: chained, it hides settings that are set to an empty text.
        return new ConfigurationBuilder()
            .AddInMemoryCollection(settings.AsEnumerable().Where(setting => setting.Value is not null))
            .AddInMemoryCollection(added)
            .Build();
    }
}
