using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal;

/// <summary>What several verbs share.</summary>
internal static class CommonOptions
{
    public static Option<string?> Data() => new("--data")
    {
        Description = "The folder for keys, orchestrations and other data. [default: .cosmo]",
        HelpName = "DIR",
    };

    /// <summary>A whole number within bounds, both of which are allowed.</summary>
    public static Option<int> Number(string name, string description, int usual, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => usual };
        option.Validators.Add(result => Bound(result, result.Tokens, name, least, most));
        return option;
    }

    /// <summary>Refuses what is no whole number, or one that lies outside.</summary>
    public static void Bound(SymbolResult result, IEnumerable<Token> tokens, string name, int least, int most)
    {
        if (tokens.Any(token => !int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < least || number > most))
        {
            result.AddError(FormattableString.Invariant($"{name} must be a whole number from {least} to {most}."));
        }
    }

    /// <summary>A port within bounds, both of which are allowed.</summary>
    public static Option<int?> Port(int first, int last, string description)
    {
        var option = new Option<int?>("--port") { Description = description, HelpName = "PORT" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is not [{ Value: var text }, ..] || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port < first || port > last)
            {
                result.AddError($"--port must be a number from {first} to {last}.");
            }
        });
        return option;
    }

    /// <summary>The full path of the folder; by default <c>.cosmo</c> in the repository that <c>./cosmo</c> stands in, else in the working directory.</summary>
    public static string DataFolder(string? given) => Path.GetFullPath(given ?? Path.Combine(ProgramFiles.Root, ".cosmo"));
}
