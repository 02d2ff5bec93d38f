using System.CommandLine;
using Cosmo.Local.Emulators.WebPubSub;
using Cosmo.Local.Emulators.WebPubSub.Events;
using Cosmo.Local.Host;
using Microsoft.AspNetCore.Connections;

namespace Cosmo.Local.Terminal;

/// <summary>The verb <c>webpubsub</c>: the Web PubSub emulator alone, for any program, until a signal stops it.</summary>
internal static class WebPubSubCommand
{
    private const int DefaultPort = 7072;

    /// <summary>Known to everybody, as those of other emulators are: it protects nothing.</summary>
    private const string DefaultKey = "the-key-of-the-emulator-that-everybody-knows";

    private static readonly string[] SystemEvents = ["connect", "connected", "disconnected", "joined", "left"];

    public static Command Create()
    {
        var port = CommonOptions.Port(0, ushort.MaxValue, $"The port on 127.0.0.1; 0 takes a free one. [default: {DefaultPort}]");
        var key = new Option<string>("--key") { Description = "The access key, 16 characters or more. [default: one that everybody knows]", HelpName = "KEY", DefaultValueFactory = _ => DefaultKey };
        var handlers = new Option<string[]>("--handler")
        {
            Description = "Where a hub's events go: {hub} and {event} in the URL are filled in. May be given for several hubs.",
            HelpName = "HUB=URL",
        };
        var userEvents = new Option<string>("--user-events") { Description = "The user events that go there, parted by commas; * is all.", HelpName = "NAMES", DefaultValueFactory = _ => "*" };
        var systemEvents = new Option<string>("--system-events")
        {
            Description = $"The system events that go there: of {string.Join(", ", SystemEvents)}. [default: none]",
            HelpName = "NAMES",
            DefaultValueFactory = _ => "",
        };
        var command = new Command(
            "webpubsub",
            "Stands in for Azure Web PubSub, for any program and the official packages.\n\nExample:\n  cosmo webpubsub --port 7072 --handler chat=http://127.0.0.1:8080/api/webpubsub/hubs/chat/ --system-events connect,disconnected")
        {
            port, key, handlers, userEvents, systemEvents,
        };
        command.Validators.Add(result =>
        {
            foreach (var handler in result.GetValue(handlers) ?? [])
            {
                if (Handler(handler, "*", "") is null)
                {
                    result.AddError($"--handler must be HUB=URL with an http or https URL, not '{handler}'.");
                }
            }

            foreach (var unknown in Names(result.GetValue(systemEvents)).Except(SystemEvents, StringComparer.Ordinal))
            {
                result.AddError($"'{unknown}' is not one of the system events {string.Join(", ", SystemEvents)}.");
            }
        });
        command.SetAction((parsed, _) => RunAsync(new WebPubSubEmulatorOptions
        {
            Url = new Uri($"http://127.0.0.1:{parsed.GetValue(port) ?? DefaultPort}"),
            AccessKey = parsed.GetValue(key)!,
            EventHandlers = (parsed.GetValue(handlers) ?? [])
                .Select(handler => Handler(handler, parsed.GetValue(userEvents)!, parsed.GetValue(systemEvents)!)!.Value)
                .DistinctBy(handler => handler.Hub, StringComparer.OrdinalIgnoreCase)
                .ToDictionary(handler => handler.Hub, handler => handler.Handler),
        }));
        return command;
    }

    private static async Task<int> RunAsync(WebPubSubEmulatorOptions options)
    {
        using var signals = new StopSignals();
        await using var emulator = await StartAsync(options, signals.Token);
        Console.WriteLine($"Web PubSub emulator listening at {emulator.Url}");
        Console.WriteLine($"Connection string: {emulator.ConnectionString}");
        foreach (var (hub, handler) in options.EventHandlers)
        {
            Console.WriteLine($"Events of hub {hub} go to {handler.UrlTemplate}");
        }

        await Task.Delay(Timeout.Infinite, signals.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ExitCodes.Done;
    }

    private static async Task<WebPubSubEmulator> StartAsync(WebPubSubEmulatorOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await WebPubSubEmulator.StartAsync(options, cancellationToken);
        }
        catch (IOException error) when (error.InnerException is AddressInUseException)
        {
            throw new StartupException($"Port {options.Url.Port} of 127.0.0.1 is taken; stop what listens there or take another with --port.", error);
        }
        catch (ArgumentException error)
        {
            throw new StartupException(error.Message, error);
        }
    }

    private static (string Hub, WebPubSubEventHandler Handler)? Handler(string text, string userEvents, string systemEvents) =>
        text.Split('=', 2) is [{ Length: > 0 } hub, var url] && Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? (hub, new WebPubSubEventHandler(url, userEvents, [.. Names(systemEvents)]))
            : null;

    private static string[] Names(string? text) => (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
