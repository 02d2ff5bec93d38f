using System.Text.Json;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>The paths under <c>/emulator</c>, by which tests and demonstrations look in and break things. See docs/webpubsub.md.</summary>
internal sealed class EmulatorControl(EmulatorStatistics statistics, Func<IReadOnlyCollection<Hub>> hubs)
{
    private Faults _faults = Faults.None;

    public Faults Faults => Volatile.Read(ref _faults);

    public async Task HandleAsync(HttpContext context, string path)
    {
        switch (context.Request.Method, path)
        {
            case ("GET", "stats"):
                await context.Response.WriteAsJsonAsync(statistics.Report(hubs()));
                break;
            case ("GET", "faults"):
                await context.Response.WriteAsJsonAsync(Faults);
                break;
            case ("PUT", "faults"):
                await ReplaceFaultsAsync(context);
                break;
            case ("DELETE", "faults"):
                Volatile.Write(ref _faults, Faults.None);
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case ("DELETE", "sockets"):
                var dropped = hubs().SelectMany(hub => hub.Connections).Count(connection => connection.TryDrop());
                await context.Response.WriteAsJsonAsync(new { dropped });
                break;
            default:
                await context.Response.WriteErrorAsync(StatusCodes.Status404NotFound, "NotFound", "The emulator has stats, faults and sockets.");
                break;
        }
    }

    private async Task ReplaceFaultsAsync(HttpContext context)
    {
        try
        {
            var faults = await JsonSerializer.DeserializeAsync<Faults>(context.Request.Body, JsonSerializerOptions.Web, context.RequestAborted) ?? Faults.None;
            if (faults.Problem is { } problem)
            {
                await context.Response.WriteBadRequestAsync(problem);
                return;
            }

            Volatile.Write(ref _faults, faults);
            await context.Response.WriteAsJsonAsync(faults);
        }
        catch (JsonException exception)
        {
            await context.Response.WriteBadRequestAsync(exception.Message);
        }
    }
}
