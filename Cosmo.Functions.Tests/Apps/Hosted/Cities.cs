using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;

namespace Hosted;

/// <summary>The chain of the official quickstart: one greeting after the other.</summary>
internal static class Cities
{
    [Function(nameof(GreetCities))]
    public static async Task<string[]> GreetCities([OrchestrationTrigger] TaskOrchestrationContext context) =>
    [
        await context.CallActivityAsync<string>(nameof(Greet), "Tokyo"),
        await context.CallActivityAsync<string>(nameof(Greet), "London"),
        await context.CallActivityAsync<string>(nameof(Greet), "Seattle"),
    ];

    [Function(nameof(Greet))]
    public static string Greet([ActivityTrigger] string city) => $"Hello {city}!";
}
