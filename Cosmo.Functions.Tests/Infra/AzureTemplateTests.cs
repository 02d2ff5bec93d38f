using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Tests.Local.Terminal;

namespace Cosmo.Functions.Tests.Infra;

/// <summary>The resources that <c>infra/</c> makes: what Cosmo needs of them, and who gets in.</summary>
public sealed partial class AzureTemplateTests
{
    [Fact]
    public async Task Everything_compiles_without_a_warning() => (await AzureTemplate.GetAsync()).Diagnostics.ShouldBeEmpty();

    [Fact]
    public async Task The_app_runs_on_a_plan_that_the_broker_trigger_runs_on_and_is_kept_awake()
    {
        var template = await AzureTemplate.GetAsync();
        Allowed(template, "planSku").ShouldAllBe(sku => Regex.IsMatch(sku, "^(B|P|EP)[0-9]"));

        var (dedicated, elastic) = (Site(template.ByDefault), Site(template.WithEveryService));

        Value(template.ByDefault.One("Microsoft.Web/serverfarms"), "sku.name").ShouldBe("P0v3");
        Value(dedicated, "alwaysOn").ShouldBe("true");
        Value(template.WithEveryService.One("Microsoft.Web/serverfarms"), "sku.name").ShouldBe("EP1");
        Value(elastic, "minimumElasticInstanceCount").ShouldBe("1");
        Value(elastic, "functionsRuntimeScaleMonitoringEnabled").ShouldBe("true");
        foreach (var site in (JsonNode[])[dedicated, elastic])
        {
            Value(site, "linuxFxVersion").ShouldBe("DOTNET-ISOLATED|10.0");
        }
    }

    [Fact]
    public async Task The_platform_asks_the_liveness_function_for_the_apps_health()
    {
        var route = AppFunctions.Http.Single(function => function.Name == "GetLiveness");

        Value(Site((await AzureTemplate.GetAsync()).ByDefault), "healthCheckPath").ShouldBe($"/api/{route.Route}");
        route.Level.ShouldBe("anonymous");
    }

    [Fact]
    public async Task Web_PubSub_gives_the_events_to_the_function_that_takes_them()
    {
        var template = await AzureTemplate.GetAsync();
        var hub = template.EventHandler.One("Microsoft.SignalRService/webPubSub/hubs");
        var handler = hub["properties"]!["eventHandlers"]!.AsArray().ShouldHaveSingleItem()!;

        AzureDeployment.Name(hub).ShouldBe($"wps/{template.ByDefault.Settings["WEB_PUBSUB_HUB"]}");
        Value(hub, "properties.anonymousConnectPolicy").ShouldBe("deny");
        Value(handler, "urlTemplate").ShouldStartWith($"[format('https://{{0}}/api/{AppFunctions.Http.Single(function => function.Name == "EntraClientEvents").Route}'");
        Value(handler, "auth.managedIdentity.resource").ShouldBe("api://cosmo");
        template.ByDefault.Settings["Cosmo__Access__Events__Audience"].ShouldBe(template.ByDefault.Outputs.Single(output => output.Key == "AZURE_EVENTS_AUDIENCE").Value!.GetValue<string>());
        template.ByDefault.Settings["Cosmo__Access__Events__Identity"].ShouldContain("Microsoft.SignalRService/webPubSub");
        Value(template.ByDefault.One("Microsoft.SignalRService/webPubSub"), "identity.type").ShouldBe("SystemAssigned");

        // A key in the address, where no application can be registered; the app is then told of no tokens.
        template.WithEverySetting.Settings.Keys.ShouldNotContain(name => name.StartsWith("Cosmo__Access__Events__", StringComparison.Ordinal));

        // Nothing reads a key of the host, neither before there is code nor later.
        Directory.GetFiles(AzureTemplate.Folder, "*.bicep", SearchOption.AllDirectories).ShouldAllBe(file => !File.ReadAllText(file).Contains("host/default", StringComparison.Ordinal));
        foreach (var deployment in Deployments(template))
        {
            deployment.Resources.ShouldAllBe(resource => !resource.ToJsonString().Contains("/host/default", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_chat_page_and_the_pages_that_are_named_may_call_the_functions_and_no_others()
    {
        var template = await AzureTemplate.GetAsync();
        static string[] Origins(AzureDeployment deployment) => [.. Site(deployment)["cors"]!["allowedOrigins"]!.AsArray().Select(origin => origin!.GetValue<string>())];

        Origins(template.ByDefault).ShouldHaveSingleItem().ShouldContain("Microsoft.Web/staticSites");
        Origins(template.WithEverySetting)[1..].ShouldBe(["https://www.example.com", "https://app.example.com"]);
    }

    [Fact]
    public async Task What_takes_an_identity_takes_no_key_and_nothing_speaks_less_than_TLS_1_2()
    {
        var template = await AzureTemplate.GetAsync();
        foreach (var deployment in Deployments(template))
        {
            foreach (var storage in deployment.All("Microsoft.Storage/storageAccounts"))
            {
                Value(storage, "properties.allowBlobPublicAccess").ShouldBe("false");
                Value(storage, "properties.minimumTlsVersion").ShouldBe("TLS1_2");
                Value(storage, "properties.supportsHttpsTrafficOnly").ShouldBe("true");

                // The share of Elastic Premium takes a key alone; its account has nothing else.
                var holdsShare = AzureDeployment.Name(storage).StartsWith("stc", StringComparison.Ordinal);
                Value(storage, "properties.allowSharedKeyAccess").ShouldBe(holdsShare ? "true" : "false");
                holdsShare.ShouldBe(holdsShare && deployment == template.WithEveryService);
            }

            Value(deployment.One("Microsoft.SignalRService/webPubSub"), "properties.disableLocalAuth").ShouldBe("true");
            Value(deployment.One("Microsoft.Insights/components"), "properties.DisableLocalAuth").ShouldBe("true");
            deployment.All("Microsoft.CognitiveServices/accounts").ShouldAllBe(account => Value(account, "properties.disableLocalAuth") == "true");
            deployment.All("Microsoft.Cache/redisEnterprise").ShouldAllBe(redis => Value(redis, "properties.minimumTlsVersion") == "1.2");
            deployment.All("Microsoft.Cache/redisEnterprise/databases").ShouldAllBe(
                database => Value(database, "properties.accessKeysAuthentication") == "Disabled" && Value(database, "properties.clientProtocol") == "Encrypted");
            Value(deployment.One("Microsoft.KeyVault/vaults"), "properties.enableRbacAuthorization").ShouldBe("true");

            var app = deployment.One("Microsoft.Web/sites");
            Value(app, "properties.httpsOnly").ShouldBe("true");
            Value(app, "properties.siteConfig.minTlsVersion").ShouldBe("1.2");
            Value(app, "properties.siteConfig.scmMinTlsVersion").ShouldBe("1.2");
            Value(app, "properties.siteConfig.ftpsState").ShouldBe("Disabled");
            deployment.All("Microsoft.Web/sites/basicPublishingCredentialsPolicies").Select(policy => Value(policy, "properties.allow")).ShouldBe(["false", "false"]);
        }
    }

    [Fact]
    public async Task With_private_endpoints_nothing_but_the_app_the_page_and_browsers_connections_is_reached_from_outside()
    {
        var deployment = (await AzureTemplate.GetAsync()).WithEveryService;
        string[] closed = ["Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults", "Microsoft.Cache/redisEnterprise", "Microsoft.CognitiveServices/accounts", "Microsoft.DurableTask/schedulers"];

        closed.SelectMany(deployment.All).ShouldAllBe(service => Value(service, "properties.publicNetworkAccess") == "Disabled");
        Value(deployment.One("Microsoft.SignalRService/webPubSub"), "properties.networkACLs.publicNetwork.deny").ShouldBe("""["ServerConnection","RESTAPI","Trace"]""");
        Value(deployment.One("Microsoft.App/managedEnvironments"), "properties.vnetConfiguration.internal").ShouldBe("true");
        var reached = deployment.All("Microsoft.Network/privateEndpoints").Select(endpoint => endpoint["properties"]!["privateLinkServiceConnections"]![0]!["properties"]!["groupIds"]![0]!.GetValue<string>());
        reached.ShouldBe(["blob", "queue", "table", "vault", "file", "redisEnterprise", "webpubsub", "account", "scheduler"], ignoreOrder: true);
        deployment.All("Microsoft.Network/privateDnsZones/virtualNetworkLinks").Count.ShouldBe(10);
    }

    /// <summary>Each row of the page: <c>| `role` | where | why |</c>.</summary>
    [Fact]
    public async Task Every_role_that_is_given_stands_in_the_table_with_its_reason_and_no_other_does()
    {
        var template = await AzureTemplate.GetAsync();
        var page = await File.ReadAllTextAsync(Path.Combine(CosmoScript.Root, "docs", "azure.md"), TestContext.Current.CancellationToken);
        var names = Directory.GetFiles(Path.Combine(AzureTemplate.Folder, "modules")).SelectMany(file => Role().Matches(File.ReadAllText(file)))
            .ToDictionary(role => role.Groups[1].Value, role => role.Groups[2].Value);

        var given = Deployments(template).SelectMany(deployment => deployment.Roles).Distinct().Select(role => $"{names[role.Role]} on {role.Scope}");

        given.ShouldBe(Row().Matches(page).Select(row => $"{row.Groups[1].Value} on {row.Groups[2].Value}"), ignoreOrder: true);
        Deployments(template).ShouldAllBe(deployment => deployment.All("Microsoft.Authorization/roleAssignments").All(
            assignment => Value(assignment, "properties.principalId").Contains("Microsoft.ManagedIdentity/userAssignedIdentities", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("COSMO_RABBITMQ_URL")]
    [InlineData("COSMO_RABBITMQ_PASSWORD")]
    [InlineData("COSMO_OPENAI_API_KEY")]
    [InlineData("COSMO_AZURE_OPENAI_ENDPOINT")]
    public async Task What_is_missing_is_said_before_anything_is_made(string variable) =>
        (await AzureTemplate.GetAsync()).Refusals[variable].ShouldContain($"{variable} (");

    [Fact]
    public async Task Everything_that_takes_tags_has_those_of_azd_and_of_the_operator()
    {
        var template = await AzureTemplate.GetAsync();
        string[] services = [.. template.WithEverySetting.Resources.Where(resource => resource["tags"] is not null).Select(resource => resource["type"]!.GetValue<string>())];

        services.ShouldContain("Microsoft.Resources/resourceGroups");
        services.Length.ShouldBeGreaterThan(7);
        template.WithEverySetting.Resources.Where(resource => resource["location"] is not null)
            .ShouldAllBe(resource => Value(resource, "tags.azd-env-name") == "dev" && Value(resource, "tags.owner") == "assistants");
    }

    private static AzureDeployment[] Deployments(AzureTemplate template) => [template.ByDefault, template.WithEverySetting, template.WithEveryService];

    private static JsonNode Site(AzureDeployment deployment) => deployment.One("Microsoft.Web/sites")["properties"]!["siteConfig"]!;

    private static string[] Allowed(AzureTemplate template, string parameter) =>
        [.. template.Main["parameters"]![parameter]!["allowedValues"]!.AsArray().Select(value => value!.GetValue<string>())];

    /// <summary>What stands at a place, a text as it is and everything else as JSON; empty where nothing does.</summary>
    private static string Value(JsonNode node, string place) =>
        place.Split('.').Aggregate((JsonNode?)node, (inner, part) => inner?[part]) is { } found ? found is JsonValue ? found.ToString() : found.ToJsonString() : "";

    [GeneratedRegex("'([0-9a-f]{8}-[0-9a-f-]{27})' // (.+)")]
    private static partial Regex Role();

    [GeneratedRegex(@"^\| ([A-Z][\w ]+) \| `(Microsoft\.[\w/]+)` \| \S.+ \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
