using System.Diagnostics;
using Cosmo.Local.Host;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Cosmo.Functions.Tests.Local.Host;

public sealed class HostTelemetryTests
{
    [Theory]
    [InlineData("api/health/live", 200, false)]
    [InlineData("health/live", 200, false)]
    [InlineData("api/health/live", 503, true)]
    [InlineData("api/health/ready", 200, true)]
    public async Task The_span_of_a_ping_is_kept_only_if_it_fails(string route, int status, bool isKept)
    {
        using var span = new Activity("request") { ActivityTraceFlags = ActivityTraceFlags.Recorded, IsAllDataRequested = true }.Start();
        var http = new DefaultHttpContext { Request = { Method = "GET" } };
        http.SetEndpoint(new RouteEndpoint(_ => Task.CompletedTask, RoutePatternFactory.Parse(route), 0, null, null));

        await HostTelemetry.NameRequestAsync(http, context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });

        span.Recorded.ShouldBe(isKept);
        span.DisplayName.ShouldBe($"GET {route}");
        span.Status.ShouldBe(status >= 500 ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
    }
}
