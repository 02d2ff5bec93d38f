using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Hosted;

internal static class Requests
{
    /// <summary>Starts an orchestration with the body as its input.</summary>
    [Function(nameof(Start))]
    public static async Task<IActionResult> Start(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "start/{name}")] HttpRequest request, string name, [DurableClient] DurableTaskClient client)
    {
        var input = await JsonNode.ParseAsync(request.Body);
        return new OkObjectResult(await client.ScheduleNewOrchestrationInstanceAsync(name, input));
    }

    /// <summary>Waits for the end of an orchestration and gives its status and output.</summary>
    [Function(nameof(Await))]
    public static async Task<IActionResult> Await(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "await/{id}")] HttpRequest request, string id, [DurableClient] DurableTaskClient client)
    {
        var instance = await client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, request.HttpContext.RequestAborted);
        return new OkObjectResult(new Ended(instance.RuntimeStatus.ToString(), instance.SerializedOutput));
    }

    /// <summary>What a client can do to an orchestration.</summary>
    [Function(nameof(Manage))]
    public static async Task<IActionResult> Manage(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "manage/{id}/{operation}")] HttpRequest request, string id, string operation, [DurableClient] DurableTaskClient client)
    {
        await (operation switch
        {
            "raise" => client.RaiseEventAsync(id, "Go", "gone"),
            "terminate" => client.TerminateInstanceAsync(id, "enough"),
            "suspend" => client.SuspendInstanceAsync(id),
            "resume" => client.ResumeInstanceAsync(id),
            _ => client.PurgeInstanceAsync(id),
        });
        return new NoContentResult();
    }

    /// <summary>The state of an orchestration, or 404.</summary>
    [Function(nameof(GetStatus))]
    public static async Task<IActionResult> GetStatus(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "status/{id}")] HttpRequest request, string id, [DurableClient] DurableTaskClient client) =>
        await client.GetInstanceAsync(id) is { } instance ? new OkObjectResult(instance.RuntimeStatus.ToString()) : new NotFoundResult();

    [Function(nameof(GetEnvironment))]
    public static IActionResult GetEnvironment([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "environment/{name}")] HttpRequest request, string name) =>
        new OkObjectResult(Environment.GetEnvironmentVariable(name) ?? "");

    /// <summary>The trace that the worker has been told of.</summary>
    [Function(nameof(GetTrace))]
    public static IActionResult GetTrace([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "trace")] HttpRequest request, FunctionContext context) =>
        new OkObjectResult(context.TraceContext.TraceParent);

    /// <summary>The activity of the same name, as a request.</summary>
    [Function(nameof(HoldRequest))]
    public static async Task<IActionResult> HoldRequest([HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "hold")] HttpRequest request, FunctionContext context) =>
        new OkObjectResult(await Activities.HoldAsync(request.Query["path"].ToString(), context.CancellationToken));

    [Function(nameof(Kill))]
    public static void Kill([HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "kill")] HttpRequest request) => Process.GetCurrentProcess().Kill();
}

internal sealed record Ended(string Status, string? Output);
