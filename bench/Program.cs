using System.Globalization;
using System.Text.Json;
using Cosmo.Bench;
using Cosmo.Local.Terminal;

try
{
    switch (args)
    {
        case ["model", var port]:
            await Model.RunAsync(int.Parse(port, CultureInfo.InvariantCulture));
            return ExitCodes.Done;
        case ["direct", var model, var webPubSub, var weather]:
            using (var direct = new DirectPath(new Uri(model), new Uri(webPubSub), new Uri(weather)))
            {
                await direct.RunAsync();
            }

            return ExitCodes.Done;
        case ["run", var options]:
            return await BenchRun.RunAsync(JsonSerializer.Deserialize<BenchOptions>(options)!);
        default:
            await Console.Error.WriteLineAsync("Call it as ./cosmo bench.");
            return ExitCodes.Failed;
    }
}
catch (TerminalException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return error.ExitCode;
}
