using Cosmo.Local.Host;
using Cosmo.Local.Terminal;

namespace Cosmo.Functions.Tests.Local.Terminal;

public sealed class PortBlockTests
{
    [Theory]
    [InlineData("REDIS_URL", "redis://127.0.0.1:6379/0", "redis://127.0.0.1:7175/0")]
    [InlineData("REDIS_URL", "redis://:p%40ss@localhost/3", "redis://:p%40ss@localhost:7175/3")]
    [InlineData("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672", "amqp://guest:guest@127.0.0.1:7176")]
    [InlineData("RABBITMQ_URL", "amqp://guest:guest@[::1]:5672/vhost", "amqp://guest:guest@[::1]:7176/vhost")]
    [InlineData("WEB_PUBSUB_CONNECTION_STRING", "Endpoint=http://127.0.0.1:7072;AccessKey=k=;Version=1.0;", "Endpoint=http://127.0.0.1:7172;AccessKey=k=;Version=1.0;")]
    [InlineData("OPENAI_BASE_URL", "http://127.0.0.1:7073/v1", "http://127.0.0.1:7173/v1")]
    [InlineData("OPENWEATHER_BASE_URL", "http://127.0.0.1:7074", "http://127.0.0.1:7174")]
    [InlineData("AUDIT_API_URL", "http://127.0.0.1:7074/audit", "http://127.0.0.1:7174/audit")]
    [InlineData("Cosmo:Tools:UserRoleApi:BaseUrl", "http://localhost:9/users", "http://localhost:7174/users")]
    public void What_is_on_this_machine_moves(string name, string from, string to) => Move((name, from)).Settings[name].ShouldBe(to);

    [Theory]
    [InlineData("OPENAI_BASE_URL", "https://api.openai.com/v1")]
    [InlineData("REDIS_URL", "rediss://cache.example.com:10000")]
    [InlineData("WEB_PUBSUB_CONNECTION_STRING", "Endpoint=https://name.webpubsub.azure.com;AccessKey=k;Version=1.0;")]
    [InlineData("MSSQL_CONNECTION_STRING", "")]
    public void What_points_elsewhere_stays(string name, string value) => Move((name, value)).Settings[name].ShouldBe(value);

    [Fact]
    public void The_page_and_the_functions_move_and_other_origins_stay()
    {
        var moved = new PortBlock(7170).Move(new LocalSettings(new Dictionary<string, string?>(), ["http://127.0.0.1:7070", "https://front.example"], 7071));

        moved.AllowedOrigins.ShouldBe(["http://127.0.0.1:7170", "http://localhost:7170", "https://front.example"]);
        moved.HttpPort.ShouldBe(7171);
        moved.BackendsPort.ShouldBe(7174);
    }

    [Theory]
    [InlineData("http://127.0.0.1:7070", "http://127.0.0.1:7070,http://localhost:7070")]
    [InlineData("http://localhost:7070/,http://127.0.0.1:7070", "http://localhost:7070/,http://127.0.0.1:7070")]
    [InlineData("https://front.example,http://localhost:1", "https://front.example,http://localhost:1")]
    public void The_page_is_let_in_under_both_names_of_this_machine(string origins, string allowed)
    {
        var settings = new LocalSettings(new Dictionary<string, string?>(), origins.Split(','), 7071);

        PortBlock.EnvironmentOf(settings, settings)["Host__CORS"].ShouldBe(allowed);
    }

    [Fact]
    public void Every_port_of_the_sample_settings_moves()
    {
        var sample = LocalSettings.Read(Path.Combine(CosmoScript.Root, "local.settings.sample.json"));

        var changed = PortBlock.EnvironmentOf(new PortBlock(7170).Move(sample), sample);

        string.Join('\n', changed.Values).ShouldNotContain(":70");
        changed.Keys.ShouldContain("Host__LocalHttpPort");
        sample.Settings.Where(setting => setting.Value!.Contains("127.0.0.1")).Select(setting => setting.Key)
            .Where(name => Environment.GetEnvironmentVariable(name) is null).ShouldBeSubsetOf(changed.Keys);
    }

    private static LocalSettings Move(params (string Name, string Value)[] settings) => new PortBlock(7170).Move(
        new LocalSettings(settings.ToDictionary(setting => setting.Name, setting => (string?)setting.Value), ["http://127.0.0.1:7070"], 7071));
}
