using System.CommandLine;
using Cosmo.Functions.Hosting;
using Cosmo.Local.SampleData;

namespace Cosmo.Local.Runtime.Commands;

/// <summary>The verb <c>functions</c>: hosts the app until a signal stops it.</summary>
internal static class FunctionsCommand
{
    public static Command Create()
    {
        var port = new Option<int?>("--port") { Description = "The port on 127.0.0.1. [default: Host:LocalHttpPort of local.settings.json, or 7071]" };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 0 or > ushort.MaxValue)
            {
                result.AddError("--port must lie between 0 and 65535.");
            }
        });
        var data = CommonOptions.Data();
        var command = new Command("functions", "Runs the functions: HTTP, RabbitMQ and timer triggers and the durable engine.") { port, data };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(port), parsed.GetValue(data)!));
        return command;
    }

    /// <returns>0 after a signal, 1 if the host stopped by itself.</returns>
    private static async Task<int> RunAsync(int? port, string data)
    {
        using var signals = new StopSignals();
        var settings = LocalSettings.Load();
        var standIns = new StandIns(Path.GetFullPath(data));
        SampleDatabase.RegisterProvider();
        standIns.DatabaseFor(CommonOptions.Configuration(settings))?.Create();
        var options = new LocalFunctionsHostOptions
        {
            Types = typeof(FunctionsCommand).Assembly.GetTypes(),
            Settings = standIns.AddTo(CommonOptions.Configuration(settings)),
            DataFolder = Path.GetFullPath(data),
            Port = port ?? settings.HttpPort,
            AllowedOrigins = settings.AllowedOrigins,
            Configure = builder =>
            {
                builder.Logging.AddSimpleConsole(console =>
                {
                    console.SingleLine = true;
                    console.TimestampFormat = "HH:mm:ss ";
                });
                builder.AddCosmo();
            },
        };

        await using var host = await LocalFunctionsHost.StartAsync(options, signals.Token);
        foreach (var line in host.Lines)
        {
            Console.WriteLine(line);
        }

        Console.WriteLine($"Functions host listening at {host.Url.ToString().TrimEnd('/')}");
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, host.Stopping);
        await Task.Delay(Timeout.Infinite, stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return signals.Token.IsCancellationRequested ? 0 : 1;
    }
}
