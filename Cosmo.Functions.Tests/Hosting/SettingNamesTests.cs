using Cosmo.Functions.Hosting;
using Cosmo.Functions.Tests.Local.Terminal;
using Cosmo.Local.SampleData;
using Microsoft.Extensions.Configuration;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class SettingNamesTests
{
    [Theory]
    [InlineData("RABBITMQ_URL", "Cosmo:Receiving:RabbitMQUrl")]
    [InlineData("REDIS_THREAD_EXPIRY", "Cosmo:Threads:ExpirySeconds")]
    [InlineData("X_API_KEY", "Cosmo:Tools:ApiKey")]
    public void A_flat_name_stands_for_its_place(string name, string place) => Read((name, "value"))[place].ShouldBe("value");

    [Fact]
    public void A_setting_in_its_own_place_wins() =>
        Read(("REDIS_PREFIX", "flat:"), ("Cosmo:Redis:Prefix", "own:"))["Cosmo:Redis:Prefix"].ShouldBe("own:");

    [Fact]
    public void An_empty_flat_name_says_nothing() => Read(("QUEUE_NAME", ""))["Cosmo:Receiving:Queue"].ShouldBeNull();

    /// <summary>So that no name is promised that the code does not read.</summary>
    [Fact]
    public void Every_flat_name_of_the_sample_settings_has_a_place_or_is_read_by_the_host_or_a_sample_tool()
    {
        var sample = new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, "local.settings.sample.json")).Build().GetSection("Values");
        var flat = sample.GetChildren().Select(setting => setting.Key).Where(name => name.All(letter => char.IsUpper(letter) || char.IsDigit(letter) || letter == '_')).ToList();
        flat.ShouldContain("RABBITMQ_URL");

        var sampleTools = string.Concat(Directory.GetFiles(SampleSources.ToolsFolder).Select(File.ReadAllText));
        flat.Where(name =>
                !name.EndsWith("_SCHEDULE", StringComparison.Ordinal) && name != "FUNCTIONS_WORKER_RUNTIME" && Places(name) == 0
                && !sampleTools.Contains($"%{name}%", StringComparison.Ordinal))
            .ShouldBeEmpty();
    }

    /// <summary>That the template for Azure sets each of them is tested there (<c>Infra/AzureSettingsTests</c>).</summary>
    [Fact]
    public void Every_flat_name_stands_in_the_table_of_settings_with_its_place()
    {
        var page = File.ReadAllText(Path.Combine(CosmoScript.Root, "README.md"));

        SettingNames.Places.Where(setting => !page.Contains($"| `{setting.Key}` | `{setting.Value}` |")).ShouldBeEmpty();
    }

    private static int Places(string name) => Read((name, "value")).AsEnumerable().Count(setting => setting.Key.StartsWith("Cosmo:", StringComparison.Ordinal) && setting.Value == "value");

    private static ConfigurationManager Read(params (string Name, string Value)[] settings)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(settings.ToDictionary(setting => setting.Name, setting => (string?)setting.Value));
        SettingNames.AddFlatNames(configuration);
        return configuration;
    }
}
