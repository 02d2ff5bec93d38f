using System.Reflection;
using System.Text.RegularExpressions;
using Cosmo.Functions.Tests.Local.Terminal;

namespace Cosmo.Functions.Tests.Hosting;

/// <summary>No text makes a regular expression of the app take for ever.</summary>
public sealed class RegexTests
{
    [Fact]
    public void No_pattern_of_the_app_repeats_what_repeats()
    {
        string[] patterns =
        [
            .. typeof(CosmoApplication).Assembly.GetTypes()
                .SelectMany(type => type.GetMembers(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                .Select(member => member.GetCustomAttribute<GeneratedRegexAttribute>()?.Pattern).OfType<string>(),
        ];

        patterns.Length.ShouldBeGreaterThan(8);
        patterns.ShouldAllBe(pattern => !RepeatsWhatRepeats(pattern));
    }

    /// <summary>Text by text: a pattern that comes from a file or a server is matched within a time limit, or parsed alone.</summary>
    [Fact]
    public void A_pattern_from_elsewhere_has_a_time_limit()
    {
        string[] uses =
        [
            .. Directory.GetFiles(Path.Combine(CosmoScript.Root, "Cosmo.Functions"), "*.cs", SearchOption.AllDirectories)
                .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
                .SelectMany(File.ReadLines)
                .Where(line => Regex.IsMatch(line, @"\bnew Regex\(|\bRegex\.(IsMatch|Match|Matches|Count|Replace|Split|Enumerate\w+)\(")),
        ];

        uses.ShouldNotBeEmpty();
        uses.ShouldAllBe(use => use.Contains("TimeLimit") || use.Contains("NonBacktracking") || use.EndsWith(" is not null;"));
    }

    [Theory]
    [InlineData("^(a+)+$", true)]
    [InlineData("(?:a*){2,}", true)]
    [InlineData("((a{2,})b?)*", true)]
    [InlineData(@"(a\+)+", false)]
    [InlineData("([+*])+", false)]
    [InlineData("(a+)?", false)]
    [InlineData("a+b+", false)]
    public void What_repeats_what_repeats_is_known(string pattern, bool repeats) => RepeatsWhatRepeats(pattern).ShouldBe(repeats);

    /// <summary>Whether a group with a repetition without end is itself repeated, which is what backtracks exponentially.</summary>
    private static bool RepeatsWhatRepeats(string pattern)
    {
        // Neither what is escaped nor a class repeats anything.
        var bare = Regex.Replace(pattern, @"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", RegexOptions.None, TimeSpan.FromSeconds(1));
        var groups = new Stack<bool>();
        var repeats = false;
        for (var i = 0; i < bare.Length; i++)
        {
            var isWithoutEnd = Regex.IsMatch(bare[i..], @"^(\*|\+|\{\d+,\})");
            if (bare[i] == '(')
            {
                groups.Push(repeats);
                repeats = false;
            }
            else if (bare[i] == ')')
            {
                var isRepeated = Regex.IsMatch(bare[(i + 1)..], @"^(\*|\+|\{\d+,?\d*\})");
                if (repeats && isRepeated)
                {
                    return true;
                }

                repeats |= groups.Pop();
            }

            repeats |= isWithoutEnd;
        }

        return false;
    }
}
