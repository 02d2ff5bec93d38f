using System.CommandLine;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>The verb <c>test</c>: runs the tests, or some of them. The script has built them.</summary>
internal static class TestCommand
{
    /// <summary>The filters of the runner, in its own words.</summary>
    private static readonly (string Name, string Description)[] Filters =
    [
        ("-class", "Only this class, with its namespace or * at the beginning or the end."),
        ("-method", "Only this method, likewise."),
        ("-namespace", "Only this namespace, likewise."),
        ("-trait", "Only tests with this trait, as name=value."),
    ];

    public static Command Create()
    {
        var classes = new Argument<string[]>("FILTER") { Description = "Only the test classes whose names end so.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command(
            "test",
            "Builds, and runs the tests. Its last line is \"N passed, N failed\". With a filter it runs only those tests, and only what they need.\n\n"
            + "Example:\n  cosmo test OpenApiTests")
        {
            classes,
        };
        List<Option<string[]>> options = [];
        foreach (var (name, description) in Filters)
        {
            options.Add(new Option<string[]>(name) { Description = description, HelpName = "NAME" });
            options.Add(new Option<string[]>(name + "-") { Description = "Not these.", HelpName = "NAME", Hidden = true });
        }

        options.Add(new Option<string[]>("-explicit") { Description = "\"only\": what runs on request alone, as in: cosmo test PageScreenshots -explicit only", HelpName = "WHICH" });
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        command.SetAction(async (parsed, _) =>
        {
            string[] filter =
            [
                .. (parsed.GetValue(classes) ?? []).SelectMany(name => new[] { "-class", name.StartsWith('*') ? name : $"*{name}" }),
                .. options.SelectMany(option => (parsed.GetValue(option) ?? []).SelectMany(value => new[] { option.Name, value })),
            ];
            return await new TestRun(ProgramFiles.Root, filter, Console.Out, Console.Error).RunUntilSignalAsync();
        });
        return command;
    }
}
