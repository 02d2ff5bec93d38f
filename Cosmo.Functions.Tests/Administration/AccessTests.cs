using System.Net;

namespace Cosmo.Functions.Tests.Administration;

public sealed class AccessTests(OperatorHost host) : OperatorTest(host)
{
    [Fact]
    public async Task No_function_of_the_operators_opens_without_the_master_key()
    {
        var functions = AppFunctions.Http.Where(function => function.Level == "admin").ToList();
        functions.Count.ShouldBeGreaterThanOrEqualTo(13);
        foreach (var function in functions)
        {
            var address = function.Route.Replace("{channel}", "a").Replace("{operation}", "thread-deletion").Replace("{messageId}", "m").Replace("{id}", "1");
            foreach (var method in function.Methods)
            {
                foreach (var key in new[] { "", "?code=wrong", $"?code={Uri.EscapeDataString(Host.Stack.Keys.DefaultKey)}" })
                {
                    using var request = new HttpRequestMessage(new HttpMethod(method), address + key);
                    using var response = await Host.Stranger.SendAsync(request, Cancellation);
                    response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, $"{method} {address}{key}");
                }
            }
        }
    }
}
