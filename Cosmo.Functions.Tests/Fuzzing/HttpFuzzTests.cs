using System.Net;
using System.Text;
using Cosmo.Functions.Tests.EndToEnd;
using CsCheck;

namespace Cosmo.Functions.Tests.Fuzzing;

/// <summary>Every HTTP function, with odd names in its route and odd bodies, by somebody with every key: none of it is a fault of ours.</summary>
[Trait("kind", "fuzz")]
public sealed class HttpFuzzTests
{
    private static readonly (string Method, string Route)[] Endpoints =
    [
        .. AppFunctions.Http
            .SelectMany(function => function.Methods.Select(method => (method, function.Route)))
            .Where(endpoint => endpoint.method != "OPTIONS"),
    ];

    [Fact]
    public async Task No_route_and_no_body_is_an_error_of_the_app()
    {
        // Else most of what it sends to one function would be too much.
        await using var stack = await CosmoStack.StartAsync(new Dictionary<string, string> { ["NEGOTIATIONS_PER_MINUTE"] = "0", ["EVENTS_PER_MINUTE"] = "0" });
        await Fuzz.RunAsync(
            Gen.Select(
                Foreign.One(Endpoints),
                Foreign.WellFormedText.Where(name => name.Length > 0).Select(Uri.EscapeDataString).Array[4],
                Gen.Bool,
                Foreign.Changed(
                    """{"message_id":"m1","message":"Hi","user":{"id":"ana","roles":["auditor"]}}""", """{"channel":"c","confirm":"DELETE"}""", """{"ids":["a"],"cause":"redis"}""", "{}",
                    """{"threadId":"c","runId":"r","messages":[{"id":"a","role":"assistant","content":"H","toolCalls":[{"id":"t"}]},{"role":"user","content":[{"type":"text","text":"Hi"}]}],"forwardedProps":{"profile":"x"}}""",
                    """{"threadId":"c","runId":"r","messages":[],"resume":[{"interruptId":"t","status":"resolved","payload":{"approved":true}}]}""")),
            async input =>
            {
                var ((method, route), names, isMissing, body) = input;
                var address = names.Aggregate(route, (path, name) => path.IndexOf('{') is >= 0 and var begin ? path[..begin] + name + path[(path.IndexOf('}') + 1)..] : path);
                using var request = new HttpRequestMessage(new HttpMethod(method), address);
                if (method != "GET" && !isMissing)
                {
                    request.Content = new ByteArrayContent(body);
                    request.Content.Headers.ContentType = new("application/json");
                }

                using var answer = await stack.Http.SendAsync(request, TestContext.Current.CancellationToken);

                ((int)answer.StatusCode).ShouldBeLessThan(500, $"{method} {address} {Encoding.Latin1.GetString(body)}");
                if (answer.StatusCode == HttpStatusCode.BadRequest && answer.Content.Headers.ContentType is { } type)
                {
                    type.MediaType.ShouldBeOneOf("application/problem+json", "text/plain", "text/html");
                }
            });
    }
}
