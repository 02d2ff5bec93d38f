using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Cosmo.Local.Terminal;

namespace Cosmo.Local.Host;

/// <summary>The verb <c>functions</c>: hosts an app until a signal stops it.</summary>
internal static class FunctionsCommand
{
    public static Command Create()
    {
        var port = new Option<int?>("--port") { Description = "The port on 127.0.0.1; 0 takes a free one. [default: Host:LocalHttpPort of local.settings.json, or 7071]" };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 0 or > ushort.MaxValue)
            {
                result.AddError("--port must lie between 0 and 65535.");
            }
        });
        var app = new Option<string?>("--app") { Description = "The build output of any app for the isolated worker. [default: Cosmo's]" };
        var data = CommonOptions.Data();
        var command = new Command("functions", "Runs the functions of an app: HTTP, RabbitMQ and timer triggers and Durable Functions.") { port, data, app };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(app), parsed.GetValue(data)!, parsed.GetValue(port)));
        return command;
    }

    /// <returns>0 after a signal, 1 if the host ended by itself.</returns>
    private static async Task<int> RunAsync(string? app, string data, int? port)
    {
        using var signals = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var settings = LocalSettings.Load();
        try
        {
            await using var host = await FunctionsHost.StartAsync(
                new FunctionsHostOptions
                {
                    AppFolder = app ?? BuiltApp(),
                    Settings = new ConfigurationBuilder().AddInMemoryCollection(settings.Settings).AddEnvironmentVariables().Build(),
                    DataFolder = Path.GetFullPath(data),
                    Port = port ?? settings.HttpPort,
                    AllowedOrigins = settings.AllowedOrigins,
                    ConfigureLogging = logging => logging.AddSimpleConsole(console =>
                    {
                        console.SingleLine = true;
                        console.TimestampFormat = "HH:mm:ss ";
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
            return signals.IsCancellationRequested ? ExitCodes.Done : ExitCodes.Failed;
        }
        catch (OperationCanceledException) when (signals.IsCancellationRequested)
        {
            return ExitCodes.Done;
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            signals.Cancel();
        }
    }

    /// <summary>Where the build of this program has put the app.</summary>
    private static string BuiltApp() =>
        typeof(FunctionsCommand).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(metadata => metadata.Key == "FunctionsApp")?.Value
            is { Length: > 0 } folder
            ? folder
            : throw new StartupException("This program was built without the app; give the app's build output with --app.");
}
