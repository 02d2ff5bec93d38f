using System.Text.RegularExpressions;

namespace Cosmo.Local.Runtime.Indexing;

/// <summary>Which names the host takes for a function.</summary>
internal static partial class FunctionNames
{
    public static bool IsValid(string name) => Allowed().IsMatch(name);

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_-]{0,127}\z")]
    private static partial Regex Allowed();
}
