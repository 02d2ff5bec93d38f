using System.CommandLine;
using Cosmo.Local.Emulators;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal;

/// <summary>The verb <c>emulators</c>: the services beside the functions, and the chat page, until a signal stops them.</summary>
internal static class EmulatorsCommand
{
    public static Command Create()
    {
        var port = PortBlock.Option();
        var data = CommonOptions.Data();
        var command = new Command(
            "emulators", "Runs what stands in for Web PubSub, OpenAI and the tools' services, and serves the chat page.\n\nExample:\n  cosmo emulators --port 7170")
        {
            port, data,
        };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(port), CommonOptions.DataFolder(parsed.GetValue(data))));
        return command;
    }

    private static async Task<int> RunAsync(int? port, string data)
    {
        using var signals = new StopSignals();
        var settings = LocalSettings.Load();
        await using var services = await LocalServices.StartAsync(port is { } page ? new PortBlock(page).Move(settings) : settings, data, signals.Token);
        foreach (var line in services.Lines)
        {
            Console.WriteLine(line);
        }

        await Task.Delay(Timeout.Infinite, signals.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ExitCodes.Done;
    }
}
