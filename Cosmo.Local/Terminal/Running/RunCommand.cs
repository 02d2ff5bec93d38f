using System.CommandLine;

namespace Cosmo.Local.Terminal.Running;

/// <summary>The verb <c>run</c>: everything on this machine, until a signal stops it.</summary>
internal static class RunCommand
{
    private const string SQLite = "sqlite";
    private const string OnAzurite = "azurite";

    public static Command Create()
    {
        var port = PortBlock.Option();
        var data = CommonOptions.Data();
        var durable = new Option<string>("--durable")
        {
            Description = "What keeps the orchestrations: a SQLite file, or Azurite from npm in the place of Azure Storage.",
            DefaultValueFactory = _ => SQLite,
        };
        durable.AcceptOnlyFromAmong(SQLite, OnAzurite);
        var dashboard = new Option<bool>("--dashboard")
        {
            Description = "Shows traces, metrics and log lines of this machine on a page: Aspire's dashboard, from NuGet. What it collects it keeps in memory.",
        };
        var command = new Command(
            "run",
            "Starts Redis and RabbitMQ if none answers, the services that stand in for Azure's and OpenAI's, the functions and the chat page. Ctrl-C stops them.\n\n"
            + "Example:\n  cosmo run --port 7170")
        {
            port, durable, dashboard, data,
        };
        command.SetAction(async (parsed, _) =>
        {
            using var signals = new StopSignals();
            var ports = parsed.GetValue(port) is { } page ? new PortBlock(page) : null;
            return await new LocalRun(
                CommonOptions.DataFolder(parsed.GetValue(data)), ports, parsed.GetValue(durable) == OnAzurite, parsed.GetValue(dashboard) ? Dashboard.At(ports) : null)
                .RunAsync(signals);
        });
        return command;
    }
}
