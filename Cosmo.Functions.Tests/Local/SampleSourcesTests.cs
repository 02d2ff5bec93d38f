using Cosmo.Local.Host;
using Cosmo.Local.SampleData;
using Microsoft.Extensions.Configuration;

namespace Cosmo.Functions.Tests.Local;

public sealed class SampleSourcesTests
{
    [Theory]
    [InlineData(null, "http://127.0.0.1:8074")]
    [InlineData("https://api.openweathermap.org", "http://127.0.0.1:8074")]
    [InlineData("http://127.0.0.1:5555", null)]
    public void Without_a_key_the_real_weather_service_is_not_called(string? named, string? used)
    {
        var settings = Settings(("OPENWEATHER_BASE_URL", named), ("OPENWEATHER_API_KEY", ""));

        settings["Cosmo:Tools:Weather:ApiKey"].ShouldNotBeNullOrEmpty();
        settings["Cosmo:Tools:Weather:BaseUrl"].ShouldBe(used);
    }

    [Fact]
    public void With_a_key_the_settings_decide() =>
        Settings(("OPENWEATHER_API_KEY", "real")).AsEnumerable().ShouldNotContain(setting => setting.Key.StartsWith("Cosmo:Tools:Weather"));

    [Fact]
    public void Without_a_connection_string_the_sample_database_is_used() =>
        Settings()["Cosmo:Tools:Database:ConnectionString"].ShouldBe("Data Source=/data/sample.db");

    [Fact]
    public void With_a_connection_string_the_settings_decide() =>
        Settings(("MSSQL_CONNECTION_STRING", "Server=x")).AsEnumerable().ShouldNotContain(setting => setting.Key.StartsWith("Cosmo:Tools:Database"));

    [Theory]
    [InlineData(null, null, false)]
    [InlineData("http://127.0.0.1:7074/rates", null, true)]
    [InlineData("http://127.0.0.1:7074/rates", "/mine", false)]
    public void The_sample_tools_are_used_where_their_service_is_named_and_no_other_folder(string? rates, string? folder, bool used) =>
        (Settings(("EXCHANGE_RATES_URL", rates), ("TOOLS_PATH", folder))["Cosmo:Tools:Path"] == SampleSources.ToolsFolder).ShouldBe(used);

    [Fact]
    public void A_setting_that_is_empty_stays_so() =>
        Settings(("Cosmo:Tools:Roles:get_weather", "")).AsEnumerable().ShouldContain(new KeyValuePair<string, string?>("Cosmo:Tools:Roles:get_weather", ""));

    private static IConfiguration Settings(params (string Name, string? Value)[] settings) =>
        new SampleSources("/data", new LocalSettings(new Dictionary<string, string?>(), [], 8071)).AddTo(
            new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(setting => setting.Name, setting => setting.Value)).Build());
}
