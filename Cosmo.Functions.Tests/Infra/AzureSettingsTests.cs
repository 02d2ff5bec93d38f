using System.Data.Common;
using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Microsoft.Data.SqlClient;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry.Trace;

namespace Cosmo.Functions.Tests.Infra;

/// <summary>The app settings that <c>infra/</c> makes, against what the app reads.</summary>
public sealed partial class AzureSettingsTests
{
    /// <summary>Settings of the samples that are not the template's, and why.</summary>
    private static readonly Dictionary<string, string> NotOnAzure = new()
    {
        ["AzureWebJobsStorage"] = "The host signs in to storage with the app's identity: AzureWebJobsStorage__accountName.",
        ["WEB_PUBSUB_CONNECTION_STRING"] = "The app signs in to Web PubSub with its identity: WEB_PUBSUB_ENDPOINT.",
        ["REDIS_CA_FILE"] = "Redis has a certificate of a public authority there.",
        ["EXCHANGE_RATES_URL"] = "The setting of a sample tool that is a file; toolFileSettings or moreSettings of whoever brings it.",
    };

    /// <summary>What the Functions host, App Service and Azure's libraries read. What follows an underscore pair is theirs too.</summary>
    private static readonly string[] OfThePlatform =
    [
        "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "AzureFunctionsJobHost", "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "AZURE_CLIENT_ID", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_CONTENTSHARE", "WEBSITE_SKIP_CONTENTSHARE_VALIDATION",
    ];

    [Fact]
    public async Task Every_setting_of_the_sample_and_every_flat_name_is_set_or_said_to_be_none_of_Azures()
    {
        var template = await AzureTemplate.GetAsync();
        var set = Deployments(template).SelectMany(deployment => deployment.Settings.Keys).ToHashSet();
        var sample = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "local.settings.sample.json"), TestContext.Current.CancellationToken))!["Values"]!.AsObject();

        sample.Select(setting => setting.Key).Union(SettingNames.Places.Keys).Where(name => !set.Contains(name)).ShouldBe(NotOnAzure.Keys, ignoreOrder: true);
    }

    [Fact]
    public async Task Every_setting_that_is_set_is_known_to_the_app_or_to_the_platform()
    {
        var template = await AzureTemplate.GetAsync();
        var ofTriggers = Trigger().Matches(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "functions.metadata"), TestContext.Current.CancellationToken))
            .Select(match => match.Groups[1].Value).ToHashSet();

        foreach (var deployment in Deployments(template))
        {
            // A setting may be named by another, as the scheduler's connection is.
            deployment.Settings.Keys.Where(name =>
                    !SettingNames.Places.ContainsKey(name) && !HasPlace(name) && !ofTriggers.Contains(name) && !OfThePlatform.Contains(name.Split("__")[0])
                    && name != "RATES_API_KEY" && !deployment.Settings.Values.Contains(name))
                .ShouldBeEmpty();
        }
    }

    /// <summary>Every option that says how it has to be is checked as at the app's start, with the key vault's values in their places.</summary>
    [Theory]
    [InlineData(nameof(AzureTemplate.ByDefault))]
    [InlineData(nameof(AzureTemplate.WithEverySetting))]
    [InlineData(nameof(AzureTemplate.WithEveryService))]
    public async Task The_app_accepts_the_settings(string name)
    {
        var template = await AzureTemplate.GetAsync();
        var deployment = (AzureDeployment)typeof(AzureTemplate).GetProperty(name)!.GetValue(template)!;
        DbProviderFactories.RegisterFactory("Microsoft.Data.SqlClient", SqlClientFactory.Instance);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(deployment.Settings.Select(setting => KeyValuePair.Create(setting.Key.Replace("__", ":", StringComparison.Ordinal), (string?)Resolve(deployment, setting.Value))));
        builder.Configuration["FUNCTIONS_APPLICATION_DIRECTORY"] = AppContext.BaseDirectory;
        builder.AddCosmo();
        using var host = builder.Build();

        Should.NotThrow(host.Services.GetRequiredService<IStartupValidator>().Validate);
    }

    [Fact]
    public async Task The_apps_identity_sends_to_Application_Insights()
    {
        foreach (var deployment in Deployments(await AzureTemplate.GetAsync()))
        {
            var setting = deployment.Settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"];
            var identity = Guid.NewGuid().ToString();

            setting.ShouldBe(deployment.Settings["AZURE_CLIENT_ID"].Replace("[", "[format('Authorization=AAD;ClientId={0}', ", StringComparison.Ordinal).Replace("]", ")]", StringComparison.Ordinal));
            ApplicationInsightsIdentity.ClientIdOf(setting.Split('\'')[1].Replace("{0}", identity, StringComparison.Ordinal)).ShouldBe(identity);
        }
    }

    [Fact]
    public async Task Host_and_worker_keep_every_trace_unless_an_operator_says_otherwise()
    {
        foreach (var deployment in Deployments(await AzureTemplate.GetAsync()))
        {
            // A name of the exporter in the host, which knows no standard one.
            deployment.Settings["OTEL_TRACES_SAMPLER"].ShouldBe("microsoft.fixed_percentage");
            deployment.Settings["OTEL_TRACES_SAMPLER_ARG"].ShouldBe("1");
            var settings = new ConfigurationBuilder().AddInMemoryCollection(deployment.Settings!).Build();
            new RecordsAll(settings).ShouldSample(new SamplingParameters(default, ActivityTraceId.CreateRandom(), "answer", ActivityKind.Consumer)).Decision.ShouldBe(SamplingDecision.RecordAndSample);
        }
    }

    [Fact]
    public async Task What_is_secret_is_in_the_key_vault_and_nowhere_else()
    {
        var template = await AzureTemplate.GetAsync();
        foreach (var deployment in Deployments(template))
        {
            var vault = AzureDeployment.Name(deployment.One("Microsoft.KeyVault/vaults"));
            var references = deployment.Settings.Values.Where(value => value.StartsWith('@')).ToList();

            references.ShouldAllBe(value => value.StartsWith($"@Microsoft.KeyVault(VaultName={vault};SecretName=", StringComparison.Ordinal));
            references.Select(SecretOf).ShouldBe(deployment.Secrets.Keys, ignoreOrder: true);
            deployment.Resources.Where(resource => resource["type"]!.GetValue<string>() is not ("Microsoft.KeyVault/vaults/secrets" or "Microsoft.App/containerApps"))
                .ShouldAllBe(resource => !resource.ToJsonString().Contains("s3cret", StringComparison.Ordinal) && !resource.ToJsonString().Contains("0123456789", StringComparison.Ordinal));
        }

        template.WithEverySetting.Settings.Where(setting => setting.Value.StartsWith('@')).Select(setting => setting.Key).ShouldBe(
            ["RABBITMQ_URL", "REDIS_URL", "OPENAI_API_KEY", "OPENWEATHER_API_KEY", "MSSQL_CONNECTION_STRING", "X_API_KEY", "Cosmo__Access__DecisionUrl", "RATES_API_KEY"], ignoreOrder: true);
        Outputs(template).ShouldAllBe(output => !output.Contains("s3cret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Secure_parameters_are_marked_as_such_all_the_way()
    {
        var template = await AzureTemplate.GetAsync();
        string[] secret = ["rabbitMQUrl", "rabbitMQPassword", "redisUrl", "openAIApiKey", "openWeatherApiKey", "sqlConnectionString", "toolsApiKey", "toolFileSettings", "accessDecisionUrl"];

        template.Main["parameters"]!.AsObject().Where(parameter => parameter.Value!["type"]!.GetValue<string>().StartsWith("secure", StringComparison.Ordinal))
            .Select(parameter => parameter.Key).ShouldBe(secret, ignoreOrder: true);
        JsonNode Parameters(string module) => template.Main["resources"]![module]!["properties"]!["template"]!["parameters"]!;
        Parameters("vault")["secrets"]!["type"]!.GetValue<string>().ShouldBe("secureObject");
        Parameters("rabbitMQ")["password"]!["type"]!.GetValue<string>().ShouldBe("securestring");
    }

    [Fact]
    public async Task The_Durable_Task_Scheduler_takes_the_place_of_Azure_Storage_by_settings_of_the_host()
    {
        var template = await AzureTemplate.GetAsync();
        const string durable = "AzureFunctionsJobHost__extensions__durableTask__";
        var settings = template.WithEveryService.Settings;
        var hub = template.WithEveryService.One("Microsoft.DurableTask/schedulers/taskHubs");

        settings[$"{durable}storageProvider__type"].ShouldBe("azureManaged");
        AzureDeployment.Name(hub).ShouldEndWith($"/{settings[$"{durable}hubName"]}");
        settings[settings[$"{durable}storageProvider__connectionStringName"]].ShouldStartWith("[format('Endpoint={0};Authentication=ManagedIdentity;ClientID={1}',");
        template.ByDefault.Settings.Keys.ShouldAllBe(name => !name.StartsWith("AzureFunctionsJobHost", StringComparison.Ordinal));
        template.ByDefault.All("Microsoft.DurableTask/schedulers").ShouldBeEmpty();
    }

    private static AzureDeployment[] Deployments(AzureTemplate template) => [template.ByDefault, template.WithEverySetting, template.WithEveryService];

    private static IEnumerable<string> Outputs(AzureTemplate template) => Deployments(template).SelectMany(deployment => deployment.Outputs.Select(output => output.Value!.ToJsonString()));

    private static string SecretOf(string reference) => reference.Split("SecretName=")[1].TrimEnd(')');

    /// <summary>What the app would see: the key vault's value, and something of the right form for what only Azure knows.</summary>
    private static string Resolve(AzureDeployment deployment, string value) =>
        value.StartsWith('@') ? deployment.Secrets[SecretOf(value)]
        : value.StartsWith("[format('", StringComparison.Ordinal) ? value.Split('\'')[1].Replace("{0}{1}", "https://login.example.com/tenant").Replace("{0}", "service.example.com").Replace("{1}", "10000")
        : value;

    /// <summary>Whether a name such as <c>Cosmo__Redis__Url</c> is a property of some options.</summary>
    private static bool HasPlace(string name) => typeof(CosmoApplication).Assembly.GetTypes().Any(type =>
        type.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetValue(null) is string section
        && type.GetProperties().Any(property => $"{section}:{property.Name}".Replace(":", "__", StringComparison.Ordinal) == name));

    [GeneratedRegex("%([A-Z_]+)%")]
    private static partial Regex Trigger();
}
