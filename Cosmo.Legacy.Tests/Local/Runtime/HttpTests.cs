using System.Net;
using Cosmo.Local.Runtime.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;

namespace Cosmo.Functions.Tests.Local.Runtime;

public sealed class HttpTests : IAsyncLifetime
{
    private TestHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await TestHost.StartAsync(typeof(Functions), allowedOrigins: ["http://page.local"]);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task An_object_result_becomes_camel_case_json()
    {
        var response = await GetAsync("items/7?name=Ann");

        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        (await TextAsync(response)).ShouldBe("""{"itemId":7,"name":"Ann"}""");
    }

    [Theory]
    [InlineData("status", HttpStatusCode.Accepted, "")]
    [InlineData("content", HttpStatusCode.OK, "plain")]
    [InlineData("result", HttpStatusCode.Created, """{"a":1}""")]
    [InlineData("nothing", HttpStatusCode.NoContent, "")]
    [InlineData("broken", HttpStatusCode.InternalServerError, "")]
    [InlineData("items/seven", HttpStatusCode.NotFound, "")]
    [InlineData("absent", HttpStatusCode.NotFound, "")]
    public async Task Each_kind_of_answer_comes_through(string address, HttpStatusCode status, string text)
    {
        var response = await GetAsync(address);

        response.StatusCode.ShouldBe(status);
        (await TextAsync(response)).ShouldBe(text);
    }

    [Fact]
    public async Task Another_method_is_not_allowed() =>
        (await _host.Client.PostAsync("status", null, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);

    [Theory]
    [InlineData("channels/a%2Fb", "a%2Fb")]
    [InlineData("channels/a%20b%3F%C3%A9", "a b?é")]
    public async Task An_encoded_slash_of_a_route_value_stays_encoded(string address, string value) =>
        (await TextAsync(await GetAsync(address))).ShouldBe(value);

    [Fact]
    public async Task A_function_asks_for_its_key()
    {
        var keys = _host.Services.GetRequiredService<FunctionKeys>();

        (await GetAsync("guarded")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await GetAsync("guarded?code=wrong")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await GetAsync($"guarded?code={keys.DefaultKey}")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_page_of_an_allowed_origin_may_call()
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "guarded");
        preflight.Headers.Add("Origin", "http://page.local");
        preflight.Headers.Add("Access-Control-Request-Method", "GET");
        preflight.Headers.Add("Access-Control-Request-Headers", "x-functions-key");

        var response = await _host.Client.SendAsync(preflight, TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        response.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe(["http://page.local"]);
    }

    [Fact]
    public async Task A_page_of_another_origin_gets_no_leave()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "status");
        request.Headers.Add("Origin", "http://other.local");

        var response = await _host.Client.SendAsync(request, TestContext.Current.CancellationToken);

        response.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "length") { Content = new StreamContent(Stream.Null) };
        request.Content.Headers.ContentLength = HttpEndpoints.MaxBodySize + 1;
        request.Headers.ExpectContinue = true;

        var response = await _host.Client.SendAsync(request, TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task The_context_knows_the_request_and_the_route() =>
        (await TextAsync(await GetAsync("context/x"))).ShouldBe("context x GET");

    [Fact]
    public async Task A_request_that_its_client_gave_up_cancels_its_function()
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var request = _host.Client.GetAsync("hang", giveUp.Token);
        await Functions.Hanging.Task;

        await giveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(request);
        await Functions.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
    }

    private Task<HttpResponseMessage> GetAsync(string address) => _host.Client.GetAsync(address, TestContext.Current.CancellationToken);

    private static Task<string> TextAsync(HttpResponseMessage response) => response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

#pragma warning disable CA1822, IDE0060, xUnit1013
    internal sealed class Functions
    {
        public static TaskCompletionSource Hanging { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public static TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        [Function("items")]
        public IActionResult Items([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "items/{itemId:int}")] HttpRequest request, int itemId, string name) =>
            new OkObjectResult(new { ItemId = itemId, Name = name });

        [Function("status")]
        public Task<IActionResult> Status([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request) =>
            Task.FromResult<IActionResult>(new AcceptedResult());

        [Function("content")]
        public ValueTask<ContentResult> Content([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request) =>
            ValueTask.FromResult(new ContentResult { Content = "plain" });

        [Function("result")]
        public static IResult Result([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request) => Results.Json(new { A = 1 }, statusCode: 201);

        [Function("nothing")]
        public async Task Nothing([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request)
        {
            await Task.Yield();
            request.HttpContext.Response.StatusCode = 204;
        }

        [Function("broken")]
        public IResult Broken([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request) => throw new InvalidOperationException("secret");

        [Function("channels")]
        public IResult Channels([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "channels/{channel}")] HttpRequest request, string channel) =>
            Results.Text(channel);

        [Function("guarded")]
        public IResult Guarded([HttpTrigger("get")] HttpRequest request) => Results.Ok();

        [Function("length")]
        public IResult Length([HttpTrigger(AuthorizationLevel.Anonymous, "post")] HttpRequest request) => Results.Ok();

        [Function("context")]
        public IResult Context([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "context/{part}")] HttpRequest request, FunctionContext context) =>
            Results.Text($"{context.FunctionDefinition.Name} {context.BindingContext.BindingData["part"]} {context.GetHttpContext()!.Request.Method}");

        [Function("hang")]
        public async Task<IResult> Hang([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request, CancellationToken cancellationToken)
        {
            cancellationToken.Register(() => Cancelled.TrySetResult());
            Hanging.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return Results.Ok();
        }
    }
}
