using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tests.Local.StandIns;

/// <summary>One official type. Loose lines lack namespaces; oblivious ones lack nullable annotations.</summary>
internal sealed partial record OfficialType(bool IsLoose, bool IsOblivious)
{
    public List<string> Declarations { get; } = [];

    public List<string> Members { get; } = [];

    public IEnumerable<string> Strangers(Type type)
    {
        var declarations = Declarations.Select(Comparable).ToList();
        if (!declarations.Any(official => Covers(official, type)))
        {
            yield return $"declared as '{SignatureText.Declaration(type)}', officially '{string.Join("' or '", Declarations)}'";
        }

        var members = Members.Select(Comparable).ToHashSet();
        foreach (var member in SignatureText.Members(type).Where(member => !members.Contains(Comparable(member))))
        {
            yield return $"no member '{member}'";
        }
    }

    private bool Covers(string official, Type type)
    {
        var (head, parents) = official.Split(" : ", 2) is [var before, var after] ? (before, after) : (official, "");
        return head == Comparable(SignatureText.Declaration(type)) &&
            ((IsLoose && type.IsEnum) || SignatureText.DerivesFrom(type).All(parent => parents.Contains(Comparable(parent), StringComparison.Ordinal)));
    }

    private string Comparable(string signature)
    {
        var text = IsOblivious ? signature.Replace("?", "", StringComparison.Ordinal) : signature;
        return IsLoose ? Namespace().Replace(text, "") : text;
    }

    [GeneratedRegex(@"\b(\w+\.)+(?=\w)")]
    private static partial Regex Namespace();
}
