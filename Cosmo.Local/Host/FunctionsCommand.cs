using System.CommandLine;
using System.Reflection;
using Cosmo.Local.SampleData;
using Cosmo.Local.Terminal;

namespace Cosmo.Local.Host;

/// <summary>The verb <c>functions</c>: hosts an app until a signal stops it.</summary>
internal static class FunctionsCommand
{
    public static Command Create()
    {
        var port = CommonOptions.Port(
            0, ushort.MaxValue, "The port on 127.0.0.1; 0 takes a free one. [default: Host:LocalHttpPort of local.settings.json, or 7071]");
        var app = new Option<string?>("--app") { Description = "The build output of any app for the isolated worker. [default: Cosmo's]", HelpName = "DIR" };
        var data = CommonOptions.Data();
        var command = new Command("functions", "Runs the functions of an app: HTTP, RabbitMQ and timer triggers and Durable Functions.") { port, data, app };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(app), CommonOptions.DataFolder(parsed.GetValue(data)), parsed.GetValue(port)));
        return command;
    }

    /// <returns>0 after a signal, 1 if the host ended by itself.</returns>
    private static async Task<int> RunAsync(string? app, string data, int? port)
    {
        using var signals = new StopSignals();
        var settings = LocalSettings.Load();
        var options = app is null
            ? OfCosmo(settings, settings.UnderEnvironment(), data)
            : new FunctionsHostOptions { AppFolder = app, Settings = settings.UnderEnvironment(), DataFolder = data, AllowedOrigins = settings.AllowedOrigins };
        try
        {
            await using var host = await FunctionsHost.StartAsync(
                options with
                {
                    Port = port ?? settings.HttpPort,
                    ConfigureLogging = logging => logging.AddSimpleConsole(console =>
                    {
                        console.SingleLine = true;
                        console.TimestampFormat = "HH:mm:ss.fff ";
                    }),
                },
                signals.Token);
            foreach (var line in host.Lines)
            {
                Console.WriteLine(line);
            }

            Console.WriteLine($"Functions host listening at {host.Url.ToString().TrimEnd('/')}");
            using var stopped = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, host.Ended);
            await Task.Delay(Timeout.Infinite, stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (signals.Token.IsCancellationRequested)
            {
                return ExitCodes.Done;
            }

            await Console.Error.WriteLineAsync(host.EndReason);
            return ExitCodes.Failed;
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return ExitCodes.Done;
        }
    }

    /// <summary>Cosmo's own app, with the sample sources where the settings name none.</summary>
    /// <param name="local">What the file of settings says.</param>
    /// <param name="settings">All that is set.</param>
    /// <param name="data">The data folder.</param>
    public static FunctionsHostOptions OfCosmo(LocalSettings local, IConfiguration settings, string data)
    {
        var samples = new SampleSources(data, local);
        samples.DatabaseFor(settings)?.Create();
        return new FunctionsHostOptions { AppFolder = BuiltApp(), Settings = samples.AddTo(settings), DataFolder = data, AllowedOrigins = local.AllowedOrigins };
    }

    /// <summary>The app that was copied with this program, else where the build has put it.</summary>
    private static string BuiltApp() =>
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "Cosmo.Functions")) is var copied && File.Exists(Path.Combine(copied, "Cosmo.Functions.dll")) ? copied
        : typeof(FunctionsCommand).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(metadata => metadata.Key == "FunctionsApp")?.Value
            is { Length: > 0 } folder
            ? folder
            : throw new StartupException("This program was built without the app; give the app's build output with --app.");
}
