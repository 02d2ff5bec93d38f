using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Tests.Local.Terminal;
using YamlDotNet.RepresentationModel;

namespace Cosmo.Functions.Tests.Repository;

/// <summary>What stands around the code: workflows, forms, editors' files, documents.</summary>
public sealed partial class RepositoryTests
{
    private static readonly string Root = CosmoScript.Root;

    [Fact]
    public void Workflows_and_forms_are_YAML()
    {
        var files = Directory.GetFiles(Path.Combine(Root, ".github"), "*.yml", SearchOption.AllDirectories);
        files.Length.ShouldBeGreaterThan(4);
        foreach (var file in files)
        {
            Should.NotThrow(() => Yaml(file), file);
        }
    }

    [Fact]
    public void Workflows_say_what_they_may_do_and_how_long_and_name_each_action_by_its_major_version()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Root, ".github", "workflows")))
        {
            var workflow = Yaml(file);
            workflow.Children.ShouldContainKey("permissions", file);
            foreach (var job in ((YamlMappingNode)workflow["jobs"]).Children.Values.Cast<YamlMappingNode>())
            {
                job.Children.ShouldContainKey("timeout-minutes", file);
                ((YamlSequenceNode)job["steps"]).Cast<YamlMappingNode>().Where(step => step.Children.ContainsKey("uses")).Select(step => step["uses"].ToString())
                    .ShouldAllBe(action => Regex.IsMatch(action, @"^[\w-]+/[\w-]+@v\d+$"), file);
            }
        }
    }

    [Fact]
    public void The_workflow_of_the_tests_runs_what_every_machine_runs()
    {
        File.ReadAllText(Path.Combine(Root, ".github", "workflows", "test.yml")).ShouldContain("run: bash .ci/run\n");
        File.ReadAllText(Path.Combine(Root, ".ci", "run")).ShouldContain("./cosmo test");
    }

    [Fact]
    public void Every_folder_with_npm_packages_is_kept_new()
    {
        var updates = ((YamlSequenceNode)Yaml(Path.Combine(Root, ".github", "dependabot.yml"))["updates"]).Cast<YamlMappingNode>().ToList();
        var npm = ((YamlSequenceNode)updates.Single(update => update["package-ecosystem"].ToString() == "npm")["directories"]).Select(folder => folder.ToString().TrimStart('/'));

        npm.Order().ShouldBe(Directory.GetDirectories(Root).SelectMany(folder => Directory.GetDirectories(folder).Prepend(folder))
            .Where(folder => File.Exists(Path.Combine(folder, "package.json"))).Select(folder => Path.GetRelativePath(Root, folder)).Order());
    }

    [Fact]
    public void Editors_files_agree_with_each_other()
    {
        var container = Json(".devcontainer/devcontainer.json");
        var tasks = Json(".vscode/tasks.json")["tasks"]!.AsArray().Select(task => task!["label"]!.ToString()).ToList();
        var launches = Json(".vscode/launch.json")["configurations"]!.AsArray();

        Words(container["customizations"]!["vscode"]!["extensions"]).ShouldBe(Words(Json(".vscode/extensions.json")["recommendations"]));
        container["postAttachCommand"]!.ToString().ShouldBe("./cosmo run");
        launches.Select(launch => launch!["preLaunchTask"]?.ToString()).OfType<string>().ShouldBeSubsetOf(tasks);
        File.Exists(Path.Combine(Root, Json(".vscode/settings.json")["dotnet.defaultSolution"]!.ToString())).ShouldBeTrue();
    }

    [Fact]
    public async Task The_picture_of_the_architecture_is_what_its_script_draws()
    {
        var start = new ProcessStartInfo("python3", [Path.Combine(Root, "docs", "images", "architecture.py")]) { RedirectStandardOutput = true };
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var script = Process.Start(start)!;
        var drawn = await script.StandardOutput.ReadToEndAsync(limit.Token);
        await script.WaitForExitAsync(limit.Token);

        drawn.ShouldBe(await File.ReadAllTextAsync(Path.Combine(Root, "docs", "images", "architecture.svg"), limit.Token));
    }

    /// <summary>Files, and the headings in them. Addresses elsewhere are not asked for.</summary>
    [Fact]
    public void Every_link_of_a_document_leads_somewhere()
    {
        var documents = Directory.GetFiles(Root, "*.md").Concat(Directory.GetFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories)).ToList();
        documents.Count.ShouldBeGreaterThan(20);
        var broken =
            from document in documents
            from link in Link().Matches(File.ReadAllText(document)).Select(link => link.Groups[1].Value)
            where !link.Contains("://", StringComparison.Ordinal) && !link.StartsWith("mailto:", StringComparison.Ordinal) && !Exists(document, link)
            select $"{Path.GetRelativePath(Root, document)}: {link}";

        broken.ShouldBeEmpty();
    }

    private static bool Exists(string document, string link)
    {
        var (path, heading) = link.Split('#', 2) is [var file, var name] ? (file, name) : (link, null);
        var target = path.Length == 0 ? document : Path.Combine(Path.GetDirectoryName(document)!, Uri.UnescapeDataString(path));
        return heading is null ? Path.Exists(target) : File.Exists(target) && Heading().Matches(File.ReadAllText(target)).Any(found => Anchor(found.Groups[1].Value) == heading);
    }

    /// <summary>As GitHub makes them: letters, digits, hyphens and underscores, in lower case.</summary>
    private static string Anchor(string heading) =>
        string.Concat(heading.ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-');

    private static YamlMappingNode Yaml(string file)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(file)));
        return (YamlMappingNode)yaml.Documents.Single().RootNode;
    }

    private static JsonNode Json(string file) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Root, file)), documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip })!;

    private static IEnumerable<string> Words(JsonNode? list) => list!.AsArray().Select(word => word!.ToString());

    [GeneratedRegex(@"(?<!`)\]\(<?([^)\s>]+)>?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#+ (.+?)\s*$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
