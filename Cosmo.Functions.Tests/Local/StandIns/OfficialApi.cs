using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tests.Local.StandIns;

/// <summary>The signatures of the official packages, read from the files in <c>official</c>.</summary>
internal sealed partial class OfficialApi
{
    private readonly Dictionary<string, OfficialType> _types = [];

    public static OfficialApi Read(string folder)
    {
        var api = new OfficialApi();
        foreach (var line in Directory.EnumerateFiles(folder, "*.txt").Order().SelectMany(File.ReadLines))
        {
            api.Add(line);
        }

        return api;
    }

    /// <summary>What of <paramref name="type"/> the official packages do not have, a sentence each.</summary>
    public IEnumerable<string> Strangers(Type type)
    {
        var name = SignatureText.TypeName(type);
        if (!_types.TryGetValue(name, out var official))
        {
            return [$"{name}: no such type"];
        }

        return official.Strangers(type).Select(stranger => $"{name}: {stranger}");
    }

    internal void Add(string line)
    {
        if (line.StartsWith('#') || line.IndexOf(" | ", StringComparison.Ordinal) is var bar && bar < 0)
        {
            return;
        }

        var name = line[..bar];
        var text = Attributes().Replace(line[(bar + 3)..], "");
        if (text.StartsWith("  ", StringComparison.Ordinal))
        {
            TypeNamed(name).Members.Add(text.Trim());
        }
        else if (Loose().IsMatch(text))
        {
            AddLoose(name, text);
        }
        else
        {
            TypeNamed(name).Declarations.Add(text);
        }
    }

    /// <summary>One line for a whole type: its kind and, after semicolons, its members without namespaces and without <c>public</c>.</summary>
    private void AddLoose(string name, string text)
    {
        var parts = SemicolonOutsideBraces().Split(text).Select(part => part.Trim()).Where(part => part.Length > 0).ToList();
        var type = TypeNamed(name, isLoose: true);
        if (parts[0].Split('{', '}') is [var kind, var values, _])
        {
            type.Declarations.Add($"{kind.Trim()} {name}");
            type.Members.AddRange(values.Split(',').Select(value => value.Trim()));
            return;
        }

        var (head, parent) = parts[0].Split(':') is [var before, var after] ? (before, " :" + after) : (parts[0], "");
        type.Declarations.Add($"{head.Trim()} {name}{parent}");
        foreach (var member in parts.Skip(1))
        {
            if (member.StartsWith("enum ", StringComparison.Ordinal))
            {
                AddLoose($"{name}.{member.Split(' ')[1]}", $"public enum {member[member.IndexOf('{')..]}");
            }
            else
            {
                type.Members.Add(member.StartsWith("protected ", StringComparison.Ordinal) ? member : "public " + member);
            }
        }
    }

    private OfficialType TypeNamed(string name, bool isLoose = false)
    {
        if (!_types.TryGetValue(name, out var type))
        {
            // Azure.Messaging.WebPubSub is compiled without nullable annotations.
            _types[name] = type = new OfficialType(isLoose, IsOblivious: name.StartsWith("Azure.Messaging.", StringComparison.Ordinal));
        }

        return type;
    }

    [GeneratedRegex(@"(  |(?<=\}) )\[.*$")]
    private static partial Regex Attributes();

    [GeneratedRegex(@"^public( abstract| sealed| static)? (class|enum|struct)( : [^;]*)?(;| \{|$)")]
    private static partial Regex Loose();

    [GeneratedRegex(@";(?![^{]*\})")]
    private static partial Regex SemicolonOutsideBraces();
}
