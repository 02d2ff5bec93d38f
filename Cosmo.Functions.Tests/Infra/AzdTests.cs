using System.Diagnostics;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.Local.Terminal;
using YamlDotNet.Serialization;

namespace Cosmo.Functions.Tests.Infra;

/// <summary><c>azure.yaml</c>, and what azd takes from beside it. azd itself is not run.</summary>
public sealed class AzdTests : IDisposable
{
    private static readonly Dictionary<string, object> Project =
        new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(File.ReadAllText(Path.Combine(CosmoScript.Root, "azure.yaml")));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-azd-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Each_service_of_azure_yaml_has_its_project_and_the_one_resource_that_is_tagged_for_it()
    {
        var resources = (await AzureTemplate.GetAsync()).ByDefault.Resources;
        var hosts = new Dictionary<string, string> { ["function"] = "Microsoft.Web/sites", ["staticwebapp"] = "Microsoft.Web/staticSites" };

        Project["name"].ShouldBe("cosmo");
        In("metadata", "template").ShouldBe("cosmo@1.0.0");
        var services = (Dictionary<object, object>)Project["services"];
        services.Keys.ShouldBe(["functions", "page"], ignoreOrder: true);
        foreach (string service in services.Keys)
        {
            Directory.Exists(Path.Combine(CosmoScript.Root, (string)In("services", service, "project"))).ShouldBeTrue();
            var tagged = resources.Where(resource => (string?)resource["tags"]?["azd-service-name"] == service).ShouldHaveSingleItem();
            tagged["type"]!.GetValue<string>().ShouldBe(hosts[(string)In("services", service, "host")]);
        }

        // So that the page is built for the functions that are there.
        ((List<object>)In("workflows", "up", "steps")).Cast<Dictionary<object, object>>().Select(step => step["azd"]).ShouldBe(["provision", "deploy --all"]);
    }

    [Fact]
    public async Task Each_parameter_of_azd_is_one_of_the_template_with_the_templates_default_and_a_variable_of_its_own()
    {
        var declared = (await AzureTemplate.GetAsync()).Main["parameters"]!.AsObject();
        var defaults = AzureTemplate.AzdParameters(new Dictionary<string, string>());
        var parameters = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(AzureTemplate.Folder, "main.parameters.json"), Cancellation))!["parameters"]!.AsObject();

        // An object has no place in a variable, and the month of the budget is the clock's.
        defaults.Keys.ShouldBe(
            declared.Where(parameter => parameter.Key != "budgetStart" && !parameter.Value!["type"]!.GetValue<string>().EndsWith("object", StringComparison.OrdinalIgnoreCase)).Select(parameter => parameter.Key),
            ignoreOrder: true);
        foreach (var (name, value) in defaults)
        {
            value.ShouldBe(declared[name]!["defaultValue"]?.ToString().ToLowerInvariant() is "true" or "false" ? declared[name]!["defaultValue"]!.ToJsonString() : declared[name]!["defaultValue"]?.ToString() ?? "", name);
        }

        parameters.Select(parameter => parameter.Value!["value"]!.GetValue<string>().Split('=', '}')[0]).ShouldBeUnique();

        // What the shell of a developer may have for another purpose is not taken for a deployment's.
        parameters.Select(parameter => parameter.Value!["value"]!.GetValue<string>()).ShouldAllBe(value => value.StartsWith("${COSMO_") || value.StartsWith("${AZURE_"));
    }

    [Fact]
    public async Task The_workflow_hands_azd_each_variable_of_the_template_secrets_as_secrets_and_none_that_the_template_lacks()
    {
        var declared = (await AzureTemplate.GetAsync()).Main["parameters"]!.AsObject();
        var variables = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(AzureTemplate.Folder, "main.parameters.json"), Cancellation))!["parameters"]!.AsObject()
            .ToDictionary(parameter => parameter.Key, parameter => parameter.Value!["value"]!.GetValue<string>()[2..].Split('=', '}')[0]);
        var workflow = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(
            await File.ReadAllTextAsync(Path.Combine(CosmoScript.Root, ".github", "workflows", "azure-dev.yml"), Cancellation));
        var job = (Dictionary<object, object>)((Dictionary<object, object>)workflow["jobs"])["deploy"];
        var steps = ((List<object>)job["steps"]).Cast<Dictionary<object, object>>().ToList();
        var ofDeployment = Env(steps.Single(step => step.GetValueOrDefault("run") is "azd up --no-prompt"));

        // What azd signs in with is no parameter. What begins with COSMO_ a step takes from the repository's variables, and secrets go before it.
        Env(job).Keys.ShouldBe(variables.Values.Where(name => name.StartsWith("AZURE_", StringComparison.Ordinal)).Concat(["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"]), ignoreOrder: true);
        Env(job).ShouldAllBe(variable => variable.Value == $"${{{{ vars.{variable.Key} }}}}");
        steps.ShouldContain(step => step.ContainsKey("run") && ((string)step["run"]).Contains("select(.key | startswith(\"COSMO_\"))"));
        ofDeployment.Remove("CosmoDurableTaskScheduler", out var build);
        build.ShouldBe("${{ vars.COSMO_DURABLE_STORE == 'durableTaskScheduler' }}");
        ofDeployment.Keys.ShouldBe(variables.Where(variable => declared[variable.Key]!["type"]!.GetValue<string>() == "securestring").Select(variable => variable.Value), ignoreOrder: true);
        ofDeployment.ShouldAllBe(secret => secret.Value == $"${{{{ secrets.{secret.Key} }}}}");

        static Dictionary<string, string> Env(Dictionary<object, object> of) => ((Dictionary<object, object>)of["env"]).ToDictionary(setting => (string)setting.Key, setting => (string)setting.Value);
    }

    [Fact]
    public async Task The_hooks_ask_for_nothing_but_what_azd_knows_and_what_was_provisioned()
    {
        string[] azd = ["AZURE_SUBSCRIPTION_ID", "AZURE_ENV_NAME", "AZURE_LOCATION", "COSMO_EVENTS_BY_KEY", "COSMO_RETRY_SECONDS"];
        var outputs = (await AzureTemplate.GetAsync()).ByDefault.Outputs.Select(output => output.Key);
        string[] hooks = [.. Directory.GetFiles(Path.Combine(AzureTemplate.Folder, "hooks")), Path.Combine(CosmoScript.Root, "Cosmo.Client", "page", "azure.mjs")];

        var used = hooks.SelectMany(hook => System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(hook), @"\b(AZURE|COSMO)_[A-Z_]+\b").Select(match => match.Value)).Distinct();

        used.Except(outputs).Except(azd).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("api://tenant/cosmo-events-x", false)]
    [InlineData("api://tenant/cosmo-events-x", true)]
    [InlineData("", false)]
    public async Task The_event_handler_comes_after_the_code_with_an_audience_that_is_registered_or_a_key_and_is_tried_until_it_is_there(string audience, bool isRegistered)
    {
        In("services", "functions", "hooks", "postdeploy", "posix", "run").ShouldBe("../infra/hooks/connect-web-pubsub.sh");
        var az = Path.Combine(_folder.FullName, "az");
        await File.WriteAllTextAsync(
            az,
            """
            #!/bin/sh
            echo "$@" >>"$CALLS"
            case "$*" in
              *" show "*) [ "$REGISTERED" = True ] ;;
              *"keys list"*) echo s3cret ;;
              *"deployment group"*) [ "$(grep -c "deployment group" "$CALLS")" -ge 2 ] ;;
            esac
            """,
            Cancellation);
        (await RunAsync(_folder.FullName, "chmod", ["+x", az], [])).Exit.ShouldBe(0);
        var calls = Path.Combine(_folder.FullName, "calls");

        var (exit, _) = await RunAsync(Path.Combine(CosmoScript.Root, "Cosmo.Functions"), "sh", ["../infra/hooks/connect-web-pubsub.sh"], new()
        {
            ["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}",
            ["CALLS"] = calls,
            ["REGISTERED"] = isRegistered.ToString(),
            ["COSMO_RETRY_SECONDS"] = "0",
            ["AZURE_ENV_NAME"] = "dev",
            ["AZURE_SUBSCRIPTION_ID"] = "sub",
            ["AZURE_RESOURCE_GROUP"] = "rg-dev",
            ["AZURE_WEB_PUBSUB_NAME"] = "wps",
            ["AZURE_FUNCTION_APP_NAME"] = "func",
            ["AZURE_EVENTS_AUDIENCE"] = audience,
        });

        exit.ShouldBe(0);
        string[] key = ["functionapp keys list --subscription sub --resource-group rg-dev --name func --query functionKeys.default --output tsv"];
        string[] shown = [$"ad app show --id {audience} --output none", $"ad sp show --id {audience} --output none"];
        string[] registered =
        [
            shown[0], $"ad app create --display-name Cosmo's events (dev) --identifier-uris {audience} --sign-in-audience AzureADMyOrg --output none", shown[1], $"ad sp create --id {audience} --output none",
        ];
        string[] once =
        [
            .. audience.Length == 0 ? key : isRegistered ? shown : registered,
            "deployment group create --name event-handler --output none --subscription sub --resource-group rg-dev --template-file modules/event-handler.bicep "
            + $"--parameters webPubSubName=wps functionAppName=func audience={audience} functionKey={(audience.Length == 0 ? "s3cret" : "")}",
        ];
        (await File.ReadAllLinesAsync(calls, Cancellation)).ShouldBe([.. once, .. once]);
        File.Exists(Path.Combine(AzureTemplate.Folder, "modules", "event-handler.bicep")).ShouldBeTrue();
    }

    [Fact]
    public async Task The_page_is_told_where_the_functions_are_and_may_speak_to_nobody_else()
    {
        In("services", "page", "hooks", "prepackage", "posix", "run").ShouldBe("node azure.mjs");
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "public"));
        File.Copy(Path.Combine(CosmoScript.Root, "Cosmo.Client", "page", "azure.mjs"), Path.Combine(_folder.FullName, "azure.mjs"));

        var (exit, errors) = await RunAsync(_folder.FullName, "node", ["azure.mjs"], new()
        {
            ["COSMO_URL"] = "https://func.azurewebsites.net/api",
            ["COSMO_WEB_PUBSUB_ENDPOINT"] = "https://wps.webpubsub.azure.com",
        });

        exit.ShouldBe(0, errors);
        JsonNode Written(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.FullName, "public", name)))!;
        Written("config.json").ToJsonString().ShouldBe("""{"functionsUrl":"https://func.azurewebsites.net/api"}""");
        Written("staticwebapp.config.json")["globalHeaders"]!["Content-Security-Policy"]!.GetValue<string>()
            .ShouldContain("connect-src 'self' https://func.azurewebsites.net wss://wps.webpubsub.azure.com;");
    }

    /// <summary>azd publishes without a property of ours: MSBuild's own evaluation says what is in that build.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_azd_builds_has_the_official_packages_and_the_schedulers_only_where_it_is_asked_for(bool scheduler)
    {
        var (exit, output) = await RunAsync(
            Path.Combine(CosmoScript.Root, "Cosmo.Functions"), "dotnet", ["msbuild", "-nologo", "-getItem:PackageReference", "-getItem:ProjectReference"],
            new() { ["CosmoStandIns"] = null, ["CosmoDurableTaskScheduler"] = scheduler ? "true" : null });

        exit.ShouldBe(0, output);
        var items = JsonNode.Parse(output)!["Items"]!;
        var packages = items["PackageReference"]!.AsArray().Select(package => package!["Identity"]!.GetValue<string>()).ToList();
        packages.ShouldContain("Azure.Messaging.WebPubSub");
        packages.ShouldContain("Microsoft.Azure.Functions.Worker.Extensions.RabbitMQ");
        items["ProjectReference"]!.AsArray().ShouldBeEmpty();
        packages.Contains("Microsoft.Azure.Functions.Worker.Extensions.DurableTask.AzureManaged").ShouldBe(scheduler);
    }

    private static object In(params string[] path) => path.Aggregate((object)Project, (node, key) => node is Dictionary<string, object> project ? project[key] : ((Dictionary<object, object>)node)[key]);

    private static async Task<(int Exit, string Output)> RunAsync(string folder, string program, string[] arguments, Dictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(Cancellation), process.StandardError.ReadToEndAsync(Cancellation));
            await process.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
            return (process.ExitCode, await output + await errors);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
