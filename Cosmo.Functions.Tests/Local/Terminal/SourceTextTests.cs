using System.Text;
using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>What <c>dotnet format</c> would change and the build does not see, in a second instead of a minute.</summary>
public sealed partial class SourceTextTests
{
    private static readonly string[] Extensions = [".cs", ".csproj", ".props", ".json", ".md", ".js", ".mjs", ".ts", ".html", ".css", ".yml", ".yaml", ".bicep", ".bicepparam", ".sh", ".ps1", ".proto", ".sql"];
    private static readonly string[] Built = ["bin", "obj", "dist", "node_modules", ".git", ".cosmo"];

    [Fact]
    public void Usings_stand_in_order()
    {
        var wrong = Files().Where(file => file.EndsWith(".cs", StringComparison.Ordinal)).Where(file =>
        {
            var usings = Using().Matches(File.ReadAllText(file)).Select(found => found.Groups[1].Value).ToList();
            return !usings.SequenceEqual(usings.Order(Comparer<string>.Create(Compare)));
        });

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Texts_have_no_byte_order_mark_and_end_in_one_line_end()
    {
        var wrong = Files().Where(file =>
        {
            var bytes = File.ReadAllBytes(file);
            return bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) || bytes.Contains((byte)'\r')
                || (bytes.Length > 0 && (bytes[^1] != '\n' || (file.EndsWith(".cs", StringComparison.Ordinal) && bytes is [.., (byte)'\n', (byte)'\n'])));
        });

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Lines_have_no_blanks_at_their_ends()
    {
        var wrong = Files().Where(file => !file.EndsWith(".md", StringComparison.Ordinal)).Where(file => BlankEnd().IsMatch(File.ReadAllText(file)));

        wrong.ShouldBeEmpty();
    }

    /// <summary>The system's own first, then part by part.</summary>
    private static int Compare(string? one, string? other)
    {
        var (first, second) = (one!.Split('.'), other!.Split('.'));
        var system = (second[0] == "System").CompareTo(first[0] == "System");
        return system != 0 ? system
            : first.Zip(second, (a, b) => string.Compare(a, b, StringComparison.OrdinalIgnoreCase)).FirstOrDefault(difference => difference != 0) is not 0 and var part ? part
            : first.Length.CompareTo(second.Length);
    }

    private static IEnumerable<string> Files() => Walk(CosmoScript.Root).Where(file => Extensions.Contains(Path.GetExtension(file)));

    private static IEnumerable<string> Walk(string folder) => Directory.EnumerateFiles(folder).Concat(
        Directory.EnumerateDirectories(folder).Where(inner => !Built.Contains(Path.GetFileName(inner))).SelectMany(Walk));

    [GeneratedRegex("^using ([A-Za-z0-9_.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex("[ \t]+$", RegexOptions.Multiline)]
    private static partial Regex BlankEnd();
}
