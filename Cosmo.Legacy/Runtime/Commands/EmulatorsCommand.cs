using System.CommandLine;

namespace Cosmo.Local.Runtime.Commands;

/// <summary>The verb <c>emulators</c>: the services beside the functions, and the chat page, until a signal stops them.</summary>
internal static class EmulatorsCommand
{
    public static Command Create()
    {
        var data = CommonOptions.Data();
        var command = new Command("emulators", "Runs what stands in for Web PubSub, OpenAI and the tools' services, and serves the chat page.") { data };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(data)!));
        return command;
    }

    private static async Task<int> RunAsync(string data)
    {
        using var signals = new StopSignals();
        await using var services = await LocalServices.StartAsync(LocalSettings.Load(), Path.GetFullPath(data), signals.Token);
        foreach (var line in services.Lines)
        {
            Console.WriteLine(line);
        }

        await Task.Delay(Timeout.Infinite, signals.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }
}
