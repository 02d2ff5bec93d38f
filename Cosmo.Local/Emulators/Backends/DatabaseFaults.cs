using System.Text.Json;
using System.Text.Json.Serialization;
using Cosmo.Local.SampleData;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>The controls of the sample database: <c>PUT</c> and <c>DELETE /emulator/database</c>.</summary>
internal sealed class DatabaseFaults(SampleDatabase database, TimeProvider clock) : IDisposable
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    private readonly Lock _lock = new();
    private IDisposable? _held;
    private ITimer? _release;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut("/emulator/database", SetAsync);
        routes.MapDelete("/emulator/database", context =>
        {
            Set(new DatabaseFault());
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _release?.Dispose();
            _held?.Dispose();
            (_release, _held) = (null, null);
        }
    }

    private async Task SetAsync(HttpContext context)
    {
        try
        {
            Set(await JsonSerializer.DeserializeAsync<DatabaseFault>(context.Request.Body, Options, context.RequestAborted) ?? new DatabaseFault());
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (JsonException wrong)
        {
            await BackendJson.WriteAsync(context, StatusCodes.Status400BadRequest, BackendJson.Message(wrong.Message));
        }
    }

    private void Set(DatabaseFault fault)
    {
        lock (_lock)
        {
            Dispose();
            if (fault.Broken)
            {
                database.Break();
            }
            else
            {
                database.Create();
            }

            if (fault.LockedFor > 0)
            {
                _held = database.Lock();
                _release = clock.CreateTimer(_ => Dispose(), null, TimeSpan.FromMilliseconds(fault.LockedFor), Timeout.InfiniteTimeSpan);
            }
        }
    }
}

/// <param name="LockedFor">Milliseconds for which every query waits.</param>
/// <param name="Broken">Whether the view and the offices are missing.</param>
internal sealed record DatabaseFault(int LockedFor = 0, bool Broken = false);
