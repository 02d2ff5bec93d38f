using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Tests.Local.Terminal;

namespace Cosmo.Functions.Tests.Infra;

/// <summary>
/// What <c>infra/</c> makes in Azure, as the Bicep compiler foresees it, compiled once for all tests. The compiler tells no secure parameter, so the deployments are
/// foreseen from a copy of the files in which none is marked as such.
/// </summary>
internal sealed partial class AzureTemplate
{
    private const string Existing = """
        param broker = 'existing'
        param rabbitMQUrl = 'amqps://cosmo:s3cret@broker.example.com/cosmo'
        """;

    private static readonly Lazy<Task<AzureTemplate>> Made = new(MakeAsync);

    private AzureTemplate(IReadOnlyList<string> diagnostics, JsonNode main) => (Diagnostics, Main) = (diagnostics, main);

    public static string Folder { get; } = Path.Combine(CosmoScript.Root, "infra");

    /// <summary>What the compiler has to say of any file.</summary>
    public IReadOnlyList<string> Diagnostics { get; }

    /// <summary>The ARM template that main.bicep compiles to.</summary>
    public JsonNode Main { get; }

    /// <summary>With main.parameters.json as it is, and what azd asks for: an environment, a region, a broker.</summary>
    public required AzureDeployment ByDefault { get; init; }

    /// <summary>With every optional setting, the model by key, a Redis that is there.</summary>
    public required AzureDeployment WithEverySetting { get; init; }

    /// <summary>With every service that can be had: private endpoints, Elastic Premium, the broker, the scheduler, a budget.</summary>
    public required AzureDeployment WithEveryService { get; init; }

    /// <summary>The event handler, which comes after the code.</summary>
    public required AzureDeployment EventHandler { get; init; }

    /// <summary>Why deployments fail that lack something, by what they lack.</summary>
    public required IReadOnlyDictionary<string, string> Refusals { get; init; }

    public static Task<AzureTemplate> GetAsync() => Made.Value.WaitAsync(TestContext.Current.CancellationToken);

    /// <summary>The parameters of main.parameters.json with what azd would put there.</summary>
    /// <param name="variables">Of the azd environment.</param>
    public static Dictionary<string, string> AzdParameters(IReadOnlyDictionary<string, string> variables) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "main.parameters.json")))!["parameters"]!.AsObject().ToDictionary(
            parameter => parameter.Key,
            parameter => Variable().Replace(parameter.Value!["value"]!.GetValue<string>(), match => variables.GetValueOrDefault(match.Groups[1].Value) ?? match.Groups[2].Value));

    private static async Task<AzureTemplate> MakeAsync()
    {
        var copy = Directory.CreateTempSubdirectory("cosmo-infra-");
        await using var compiler = new BicepCompiler();
        try
        {
            var diagnostics = new List<string>();
            JsonNode? main = null;
            foreach (var file in Directory.GetFiles(Folder, "*.bicep", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                var (found, template) = await compiler.CompileAsync(file);
                diagnostics.AddRange(found);
                main = file == Path.Combine(Folder, "main.bicep") ? template : main;
                var bare = Path.Combine(copy.FullName, "infra", Path.GetRelativePath(Folder, file));
                Directory.CreateDirectory(Path.GetDirectoryName(bare)!);
                await File.WriteAllTextAsync(bare, Secure().Replace(await File.ReadAllTextAsync(file), ""));
            }

            foreach (var read in (string[])["Cosmo.Functions/Receiving/client-events.json", "infra/dashboards/azure-alerts.json", "infra/dashboards/workbook.json"])
            {
                Directory.CreateDirectory(Path.Combine(copy.FullName, Path.GetDirectoryName(read)!));
                File.Copy(Path.Combine(CosmoScript.Root, read), Path.Combine(copy.FullName, read));
            }

            diagnostics.AddRange(await CheckSampleAsync(compiler));

            async Task<AzureDeployment> ForeseeAsync(string template, string parameters, string? resourceGroup = null)
            {
                var file = Path.Combine(copy.FullName, "infra", "test.bicepparam");
                await File.WriteAllTextAsync(file, $"using '{template}'\n{parameters}\n");
                return new AzureDeployment(await compiler.ForeseeAsync(file, resourceGroup));
            }

            Task<AzureDeployment> DeployAsync(string parameters) => ForeseeAsync("main.bicep", $"param environmentName = 'dev'\nparam location = 'westeurope'\n{parameters}");

            async Task<string> RefuseAsync(string parameters)
            {
                try
                {
                    await DeployAsync(parameters);
                    return "";
                }
                catch (InvalidOperationException refused)
                {
                    return refused.Message;
                }
            }

            return new AzureTemplate(diagnostics, main ?? throw new InvalidOperationException(string.Join('\n', diagnostics)))
            {
                ByDefault = await ForeseeAsync("main.bicep", Text(main, AzdParameters(new Dictionary<string, string>
                {
                    ["AZURE_ENV_NAME"] = "dev",
                    ["AZURE_LOCATION"] = "westeurope",
                    ["COSMO_BROKER"] = "existing",
                    ["COSMO_RABBITMQ_URL"] = "amqps://cosmo:s3cret@broker.example.com/cosmo",
                }))),
                WithEverySetting = await DeployAsync($$"""
                    {{Existing}}
                    param modelService = 'key'
                    param openAIApiKey = 's3cret'
                    param openAIBaseUrl = 'https://models.example.com/v1'
                    param redisUrl = 'rediss://:s3cret@redis.example.com:6380/0'
                    param profilesPath = 'Profiles'
                    param toolsPath = 'Profiles'
                    param openWeatherApiKey = 's3cret'
                    param openWeatherBaseUrl = 'https://weather.example.com'
                    param sqlConnectionString = 'Server=kmc;Database=kmc'
                    param auditApiUrl = 'https://audit.example.com'
                    param userRoleApiUrl = 'https://roles.example.com'
                    param toolsApiKey = 's3cret'
                    param toolFileSettings = { RATES_API_KEY: 's3cret' }
                    param accessAuthority = 'https://login.example.com'
                    param accessAudience = 'cosmo'
                    param eventsByKey = true
                    param accessDecisionUrl = 'https://host.example.com/decide'
                    param allowedOrigins = 'https://www.example.com, https://app.example.com'
                    param authClientId = '00000000-0000-0000-0000-000000000003'
                    param moreSettings = { Cosmo__Conversations__WhenBusy: 'merge' }
                    param tags = { owner: 'assistants' }
                    """),
                WithEveryService = await DeployAsync("""
                    param broker = 'containerApp'
                    param rabbitMQPassword = '0123456789 abcdef'
                    param network = 'privateEndpoints'
                    param durableStore = 'durableTaskScheduler'
                    param planSku = 'EP1'
                    param monthlyBudget = 100
                    """),
                EventHandler = await ForeseeAsync("modules/event-handler.bicep", """
                    param webPubSubName = 'wps'
                    param functionAppName = 'func'
                    param audience = 'api://cosmo'
                    """, "rg"),
                Refusals = new Dictionary<string, string>
                {
                    ["COSMO_RABBITMQ_URL"] = await RefuseAsync("param broker = 'existing'"),
                    ["COSMO_RABBITMQ_PASSWORD"] = await RefuseAsync("param broker = 'containerApp'"),
                    ["COSMO_OPENAI_API_KEY"] = await RefuseAsync($"{Existing}\nparam modelService = 'key'"),
                    ["COSMO_AZURE_OPENAI_ENDPOINT"] = await RefuseAsync($"{Existing}\nparam modelService = 'existing'"),
                },
            };
        }
        finally
        {
            copy.Delete(recursive: true);
        }
    }

    /// <summary>The sample of a file of parameters, with values in the place of what it reads from the environment and cannot do without.</summary>
    private static Task<IReadOnlyList<string>> CheckSampleAsync(BicepCompiler compiler) =>
        compiler.CompileParametersAsync(Path.Combine(Folder, "main.sample.bicepparam"), new { rabbitMQUrl = "amqps://broker", openAIApiKey = "s3cret" });

    /// <summary>Parameters as a file of parameters has them, by the type that the template declares.</summary>
    private static string Text(JsonNode template, Dictionary<string, string> parameters) => string.Join('\n', parameters.Select(parameter =>
    {
        var type = template["parameters"]![parameter.Key]?["type"]?.GetValue<string>();
        return $"param {parameter.Key} = {(type is "int" or "bool" ? parameter.Value : $"'{parameter.Value}'")}";
    }));

    [GeneratedRegex(@"^@secure\(\)\n", RegexOptions.Multiline)]
    private static partial Regex Secure();

    [GeneratedRegex(@"\$\{(\w+)(?:=([^}]*))?\}")]
    private static partial Regex Variable();
}

/// <summary>What a deployment makes. An expression that reads a resource stands there as text: <c>[reference(…)…]</c>.</summary>
internal sealed class AzureDeployment(JsonNode snapshot)
{
    public IReadOnlyList<JsonNode> Resources { get; } = [.. snapshot["predictedResources"]!.AsArray().Select(resource => resource!)];

    public JsonObject Outputs => snapshot["outputs"]!.AsObject();

    /// <summary>The app's settings; what the key vault keeps as its reference.</summary>
    public IReadOnlyDictionary<string, string> Settings =>
        One("Microsoft.Web/sites/config", "/appsettings")["properties"]!.AsObject().ToDictionary(setting => setting.Key, setting => setting.Value!.GetValue<string>());

    /// <summary>The values of the key vault by the name of the secret.</summary>
    public IReadOnlyDictionary<string, string> Secrets =>
        All("Microsoft.KeyVault/vaults/secrets").ToDictionary(secret => Name(secret).Split('/')[1], secret => secret["properties"]!["value"]!.GetValue<string>());

    /// <summary>Role and type of the resource of each assignment. Its id is an expression, <c>[extensionResourceId('the resource', …)]</c>.</summary>
    public IEnumerable<(string Role, string Scope)> Roles => All("Microsoft.Authorization/roleAssignments").Select(assignment => (
        assignment["properties"]!["roleDefinitionId"]!.GetValue<string>().Split('/')[^1],
        string.Join('/', assignment["id"]!.GetValue<string>().Split('\'')[1].Split("/providers/")[1].Split('/')[..2])));

    public IReadOnlyList<JsonNode> All(string type) => [.. Resources.Where(resource => resource["type"]!.GetValue<string>() == type)];

    /// <summary>The one resource of a type whose name ends so.</summary>
    public JsonNode One(string type, string end = "") => All(type).Single(resource => Name(resource).EndsWith(end, StringComparison.Ordinal));

    public static string Name(JsonNode resource) => resource["name"]!.GetValue<string>();
}
