using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Tests.Local.Runtime;

public sealed class ShutdownTests
{
    private readonly Work _work = new();

    [Fact]
    public async Task A_request_at_work_is_answered_before_the_host_stops()
    {
        var host = await TestHost.StartAsync(typeof(PatientFunction), _work);
        var request = host.Client.GetAsync("patient", TestContext.Current.CancellationToken);
        await _work.Started.Task;

        var stopping = host.StopAsync();
        await Task.Delay(100, TestContext.Current.CancellationToken);
        stopping.IsCompleted.ShouldBeFalse();
        _work.Gate.SetResult();

        (await request).StatusCode.ShouldBe(HttpStatusCode.OK);
        await stopping;
        await host.DisposeAsync();
    }

    [Fact]
    public async Task A_function_that_does_not_end_is_cancelled_and_the_host_stops_within_ten_seconds()
    {
        var host = await TestHost.StartAsync(typeof(EndlessFunction), _work);
        var request = host.Client.GetAsync("endless", TestContext.Current.CancellationToken);
        await _work.Started.Task;

        var watch = Stopwatch.StartNew();
        await host.StopAsync();

        watch.Elapsed.ShouldBeInRange(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));
        (await request).StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        await host.DisposeAsync();
    }

    internal sealed class Work
    {
        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

#pragma warning disable IDE0060, xUnit1013
    internal sealed class PatientFunction(Work work)
    {
        [Function("patient")]
        public async Task<IResult> Run([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request)
        {
            work.Started.SetResult();
            await work.Gate.Task;
            return Results.Ok();
        }
    }

    internal sealed class EndlessFunction(Work work)
    {
        [Function("endless")]
        public async Task<IResult> Run([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request, CancellationToken cancellationToken)
        {
            work.Started.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return Results.Ok();
        }
    }
}
