using Cosmo.Local.Runtime;
using Cosmo.Local.Runtime.Indexing;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.Extensions.Configuration;

namespace Cosmo.Functions.Tests.Local.Runtime;

public sealed class FunctionIndexTests
{
    [Fact]
    public void Functions_are_found_in_internal_classes_static_or_not()
    {
        var index = Read(typeof(Good), new() { ["QUEUE"] = "q", ["BROKER"] = "amqp://localhost", ["WHEN"] = "0 */5 * * * *" });

        index.Lines("api").ShouldBe(
        [
            "Page: [GET,POST] /api/pages/{id:int}",
            "Any: [ANY] /api/Any",
            "Receive: rabbitMQTrigger q",
            "Tick: timerTrigger 0 */5 * * * *",
            "Orchestrate: orchestrationTrigger",
            "Act: activityTrigger",
        ]);
    }

    [Theory]
    [InlineData(typeof(Duplicate), "Function 'two' is there twice")]
    [InlineData(typeof(NoTrigger), "Function 'A' has no trigger")]
    [InlineData(typeof(TwoTriggers), "Function 'A' has 2 triggers")]
    [InlineData(typeof(BadName), "'1st' is not valid")]
    [InlineData(typeof(NotPublic), "Function 'A' is not public")]
    [InlineData(typeof(BodyParameter), "parameter called 'body', which is a name of binding data")]
    [InlineData(typeof(RoutingKeyParameter), "parameter called 'ROUTINGKEY', which is a name of binding data")]
    [InlineData(typeof(MissingQueue), "NO_QUEUE is missing")]
    [InlineData(typeof(MissingBroker), "NO_BROKER is missing")]
    [InlineData(typeof(BadBroker), "HTTP_URL is no RabbitMQ URI")]
    [InlineData(typeof(NoBroker), "has no ConnectionStringSetting")]
    [InlineData(typeof(RetryOnHttp), "has FixedDelayRetryAttribute, which its trigger does not allow")]
    [InlineData(typeof(RetryOnQueue), "has FixedDelayRetryAttribute, which its trigger does not allow")]
    [InlineData(typeof(BadParameter), "parameter 'version' of type Version that cannot be bound")]
    [InlineData(typeof(BadHttpType), "binds its HTTP trigger to String")]
    [InlineData(typeof(BadHttpResult), "returns String; an HTTP function returns IActionResult")]
    [InlineData(typeof(BadRoute), "the route 'a/{b', which is not valid")]
    [InlineData(typeof(ReservedRoute), "belong to the host")]
    [InlineData(typeof(SameRoute), "one request can mean both 'a' and 'a'")]
    [InlineData(typeof(OverlappingRoutes), "one request can mean both 'a/{b}' and 'a/c'")]
    [InlineData(typeof(BadSchedule), "has the schedule 'every day' (%BAD_WHEN%)")]
    [InlineData(typeof(BadOrchestrator), "bind it to TaskOrchestrationContext")]
    public void A_fault_stops_the_start_with_a_sentence(Type functions, string sentence) =>
        Should.Throw<StartupException>(() => Read(functions, new() { ["HTTP_URL"] = "http://localhost", ["BAD_WHEN"] = "every day", ["BROKER"] = "amqp://localhost" }))
            .Message.ShouldContain(sentence);

    [Fact]
    public void All_faults_are_told_at_once() =>
        Should.Throw<StartupException>(() => FunctionIndex.Read([typeof(NoTrigger), typeof(BadSchedule)], new ConfigurationBuilder().Build()))
            .Message.Split(Environment.NewLine).Length.ShouldBe(2);

    private static FunctionIndex Read(Type functions, Dictionary<string, string?> settings) =>
        FunctionIndex.Read([functions], new ConfigurationBuilder().AddInMemoryCollection(settings).Build());

#pragma warning disable CA1822, IDE0060, xUnit1013
    internal sealed class Good
    {
        [Function("Page")]
        public IResult Page([HttpTrigger("get", "post", Route = "pages/{id:int}")] HttpRequest request, int id, FunctionContext context) => Results.Ok();

        [Function("Any")]
        public static Task<IResult> Any([HttpTrigger(AuthorizationLevel.Anonymous)] HttpRequest request) => Task.FromResult(Results.Ok());

        [Function("Receive")]
        public void Receive([RabbitMQTrigger("%QUEUE%", ConnectionStringSetting = "BROKER")] string message, CancellationToken cancellationToken)
        {
        }

        [Function("Tick")]
        [FixedDelayRetry(3, "00:00:10")]
        public void Tick([TimerTrigger("%WHEN%")] TimerInfo timer)
        {
        }

        [Function("Orchestrate")]
        public static Task Orchestrate([OrchestrationTrigger] TaskOrchestrationContext context, Version input) => Task.CompletedTask;

        [Function("Act")]
        public Version Act([ActivityTrigger] Version input) => input;
    }

    internal sealed class Duplicate
    {
        [Function("Two")]
        public void One([ActivityTrigger] string input)
        {
        }

        [Function("two")]
        public void Two([ActivityTrigger] string input)
        {
        }
    }

    internal sealed class NoTrigger
    {
        [Function("A")]
        public void A(string input)
        {
        }
    }

    internal sealed class TwoTriggers
    {
        [Function("A")]
        public void A([ActivityTrigger] string input, [HttpTrigger] HttpRequest request)
        {
        }
    }

    internal sealed class BadName
    {
        [Function("1st")]
        public void A([ActivityTrigger] string input)
        {
        }
    }

    internal sealed class NotPublic
    {
        [Function("A")]
        internal void A([ActivityTrigger] string input)
        {
        }
    }

    internal sealed class BodyParameter
    {
        [Function("A")]
        public void A([RabbitMQTrigger("q", ConnectionStringSetting = "BROKER")] string body)
        {
        }
    }

    internal sealed class RoutingKeyParameter
    {
        [Function("A")]
        public void A([RabbitMQTrigger("q", ConnectionStringSetting = "BROKER")] string ROUTINGKEY)
        {
        }
    }

    internal sealed class MissingQueue
    {
        [Function("A")]
        public void A([RabbitMQTrigger("%NO_QUEUE%", ConnectionStringSetting = "BROKER")] string message)
        {
        }
    }

    internal sealed class MissingBroker
    {
        [Function("A")]
        public void A([RabbitMQTrigger("q", ConnectionStringSetting = "NO_BROKER")] string message)
        {
        }
    }

    internal sealed class BadBroker
    {
        [Function("A")]
        public void A([RabbitMQTrigger("q", ConnectionStringSetting = "HTTP_URL")] string message)
        {
        }
    }

    internal sealed class NoBroker
    {
        [Function("A")]
        public void A([RabbitMQTrigger("q")] string message)
        {
        }
    }

    internal sealed class RetryOnHttp
    {
        [Function("A")]
        [FixedDelayRetry(3, "00:00:10")]
        public void A([HttpTrigger] HttpRequest request)
        {
        }
    }

    internal sealed class RetryOnQueue
    {
        [Function("A")]
        [FixedDelayRetry(3, "00:00:10")]
        public void A([RabbitMQTrigger("q", ConnectionStringSetting = "BROKER")] string message)
        {
        }
    }

    internal sealed class BadParameter
    {
        [Function("A")]
        public void A([HttpTrigger] HttpRequest request, Version version)
        {
        }
    }

    internal sealed class BadHttpType
    {
        [Function("A")]
        public void A([HttpTrigger] string request)
        {
        }
    }

    internal sealed class BadHttpResult
    {
        [Function("A")]
        public Task<string> A([HttpTrigger] HttpRequest request) => Task.FromResult("");
    }

    internal sealed class BadRoute
    {
        [Function("A")]
        public void A([HttpTrigger(Route = "a/{b")] HttpRequest request)
        {
        }
    }

    internal sealed class ReservedRoute
    {
        [Function("A")]
        public void A([HttpTrigger(Route = "admin/a")] HttpRequest request)
        {
        }
    }

    internal sealed class OverlappingRoutes
    {
        [Function("A")]
        public void A([HttpTrigger("get", Route = "a/{b}")] HttpRequest request, string b)
        {
        }

        [Function("B")]
        public void B([HttpTrigger("get", Route = "a/c")] HttpRequest request)
        {
        }

        [Function("C")]
        public void C([HttpTrigger("post", Route = "a/d")] HttpRequest request)
        {
        }
    }

    internal sealed class SameRoute
    {
        [Function("A")]
        public void A([HttpTrigger("get", "post", Route = "a")] HttpRequest request)
        {
        }

        [Function("B")]
        public void B([HttpTrigger("post", Route = "a")] HttpRequest request)
        {
        }
    }

    internal sealed class BadSchedule
    {
        [Function("A")]
        public void A([TimerTrigger("%BAD_WHEN%")] TimerInfo timer)
        {
        }
    }

    internal sealed class BadOrchestrator
    {
        [Function("A")]
        public void A([OrchestrationTrigger] string context)
        {
        }
    }
}
