using Cosmo.Local.Runtime;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Runtime;

/// <summary>Orchestrations in a whole host, begun by a request.</summary>
public sealed class DurableFunctionsTests
{
    [Fact]
    public async Task An_orchestration_that_a_function_starts_runs_its_activities()
    {
        await using var host = await TestHost.StartAsync(typeof(Greetings), new Names("Ann", "Bob"));

        var answer = await host.Client.GetStringAsync("greet?greeting=Hello", TestContext.Current.CancellationToken);

        answer.ShouldBe("\"Hello Ann, Hello Bob\"");
    }

    [Fact]
    public async Task An_orchestration_goes_on_in_the_next_host()
    {
        var folder = Directory.CreateTempSubdirectory("cosmo-").FullName;
        await using (var first = await TestHost.StartAsync(typeof(Greetings), new Names("Ann"), dataFolder: folder))
        {
            await first.Client.GetStringAsync("wait", TestContext.Current.CancellationToken);
        }

        await using (var second = await TestHost.StartAsync(typeof(Greetings), new Names("Ann"), dataFolder: folder))
        {
            (await second.Client.GetStringAsync("raise", TestContext.Current.CancellationToken)).ShouldBe("\"Hi Ann\"");
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_class_that_cannot_be_made_stops_the_start() =>
        (await Should.ThrowAsync<StartupException>(TestHost.StartAsync(typeof(Greetings)))).Message.ShouldBe(
            "Function 'GreetAll' cannot be made: Greetings needs Names, which nobody registers.");

    internal sealed record Names(params string[] All);

#pragma warning disable IDE0060, xUnit1013
    internal sealed class Greetings(Names names)
    {
        [Function("Start")]
        public static async Task<IResult> Start(
            [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "greet")] HttpRequest request,
            [DurableClient] DurableTaskClient client,
            string greeting,
            CancellationToken cancellationToken)
        {
            var id = await client.ScheduleNewOrchestrationInstanceAsync("GreetAll", greeting, cancellationToken);
            var instance = await client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, cancellationToken);
            return Results.Text(instance.SerializedOutput);
        }

        [Function("Wait")]
        public static async Task<IResult> Wait(
            [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "wait")] HttpRequest request, [DurableClient] DurableTaskClient client)
        {
            await client.ScheduleNewOrchestrationInstanceAsync("Patient", new StartOrchestrationOptions("one"));
            await client.WaitForInstanceStartAsync("one");
            return Results.Ok();
        }

        [Function("Raise")]
        public static async Task<IResult> Raise(
            [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "raise")] HttpRequest request, [DurableClient] DurableTaskClient client)
        {
            await client.RaiseEventAsync("one", "Go", "Hi");
            return Results.Text((await client.WaitForInstanceCompletionAsync("one", getInputsAndOutputs: true)).SerializedOutput);
        }

        [Function("GreetAll")]
        public async Task<string> GreetAll([OrchestrationTrigger] TaskOrchestrationContext context, string greeting) =>
            string.Join(", ", await Task.WhenAll(names.All.Select(name => context.CallActivityAsync<string>("Greet", new Greeting(greeting, name)))));

        [Function("Patient")]
        public static async Task<string> Patient([OrchestrationTrigger] TaskOrchestrationContext context)
        {
            var greeting = await context.WaitForExternalEvent<string>("Go");
            return await context.CallActivityAsync<string>("Greet", new Greeting(greeting!, "Ann"));
        }

        [Function("Greet")]
        public string Greet([ActivityTrigger] Greeting greeting, FunctionContext context) =>
            names.All.Contains(greeting.Name) ? $"{greeting.Text} {greeting.Name}" : throw new InvalidOperationException(context.InvocationId);
    }

    internal sealed record Greeting(string Text, string Name);
}
