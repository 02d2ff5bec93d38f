using System.CommandLine;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>The verb <c>check</c>: a deployment that runs is asked by many at once, and what they saw is held against the promises, as <c>torture</c> does it with one of its own.</summary>
internal sealed class CheckCommand(OperatorCommands operators)
{
    private const int MostMinutes = 24 * 60;
    private const int MostChannels = 500;

    public Command Create()
    {
        var minutes = CommonOptions.Number("--minutes", $"How long, roughly: 1 to {MostMinutes}.", 1, 1, MostMinutes);
        var channels = CommonOptions.Number("--channels", $"Conversations at once: 1 to {MostChannels}.", 8, 1, MostChannels);
        var broker = new Option<string?>("--rabbitmq") { Description = "Its RabbitMQ. [default: RABBITMQ_URL, or this machine's]", HelpName = "URL" };
        var output = new Option<string?>("--out") { Description = "The folder of the account and of the histories that break a promise. [default: .cosmo/check]", HelpName = "DIR" };
        var command = operators.Verb(
            "check",
            "Builds, asks a deployment questions over RabbitMQ in channels of its own, and holds what producers, clients and operators have seen against the promises. Nothing of the deployment is broken; "
            + "the answers cost what answers cost. The channels are deleted afterwards, their rows of usage stay.",
            "cosmo check --minutes 5 --url https://NAME.azurewebsites.net/api --rabbitmq amqps://USER:PASSWORD@HOST/VHOST",
            [],
            async (parsed, session) =>
            {
                // Where the deployment or its key is wrong, one sentence says so.
                await session.GetAsync("usage?days=1");
                var settings = LocalSettings.Load().UnderEnvironment();
                var options = new
                {
                    Seed = Random.Shared.Next(),
                    Minutes = parsed.GetValue(minutes),
                    Faults = Array.Empty<string>(),
                    Channels = parsed.GetValue(channels),
                    Folder = Path.GetFullPath(parsed.GetValue(output) ?? Path.Combine(ProgramFiles.Root, ".cosmo", "check")),
                    At = new
                    {
                        session.Deployment.Url,
                        session.Deployment.Key,
                        Broker = parsed.GetValue(broker) ?? AppSetting.RabbitMQUrl.In(settings),
                        Exchange = AppSetting.Exchange.In(settings),
                        RoutingKey = AppSetting.RoutingKey.In(settings),
                    },
                };
                return await TortureCommand.RunAsync(options, TimeSpan.FromMinutes(options.Minutes));
            });
        foreach (var option in (Option[])[minutes, channels, broker, output])
        {
            command.Options.Add(option);
        }

        return command;
    }
}
