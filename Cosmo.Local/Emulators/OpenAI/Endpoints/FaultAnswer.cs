using System.Globalization;
using Cosmo.Local.Emulators.OpenAI.Controls;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>What of a fault comes before the answer: a delay, headers, an HTTP error.</summary>
internal static class FaultAnswer
{
    /// <summary>Carries the fault out; true when it was the whole answer.</summary>
    public static async Task<bool> GiveAsync(HttpContext context, Fault? fault, TimeProvider clock)
    {
        if (fault is null)
        {
            return false;
        }

        if (fault.DelayBeforeHeaders > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayBeforeHeaders), clock, context.RequestAborted);
        }

        foreach (var (name, value) in fault.Headers)
        {
            context.Response.Headers[name] = value;
        }

        if (fault.RateLimitInStream is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (fault.Status is not { } status)
        {
            return false;
        }

        await Json.WriteAsync(context.Response, fault.ErrorBody(), status);
        return true;
    }
}
