using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Http;
using Cosmo.Local.Host.Timers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>The host's HTTP server, in front of a worker that a test plays.</summary>
public sealed class HttpTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(20));
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-").FullName;
    private readonly ConcurrentQueue<HttpRequestMessage> _managed = new();
    private readonly RecordedLogs _logs = new();
    private readonly TaskCompletionSource<Invocation> _hanging = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FakeInvoker _manual = new();
    private ManualTimeProvider? _time;
    private HttpServer? _server;
    private FakeWorker _worker = null!;
    private FunctionKeys _keys = null!;
    private HttpClient _client = null!;

    private CancellationToken Limit => _limit.Token;

    public async ValueTask InitializeAsync()
    {
        _keys = FunctionKeys.Open(_folder);
        _worker = await FakeWorker.StartAsync(new()
        {
            ["item"] = (http, invocation) => http.Response.WriteAsJsonAsync(invocation.Input.Metadata),
            ["any"] = (http, _) => http.Response.WriteAsync($"{http.Request.Method} {http.Request.Headers["x-marked"]}"),
            ["readAssistant"] = (http, _) => http.Response.WriteAsync("read"),
            ["deleteAssistant"] = (http, _) => http.Response.WriteAsync("deleted"),
            ["channel"] = (http, invocation) => http.Response.WriteAsync($"{http.Request.Path.Value} {invocation.Input.Metadata["channel"]}"),
            ["forwarded"] = (http, _) => http.Response.WriteAsJsonAsync(http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString())),
            ["echo"] = async (http, _) =>
            {
                http.Response.StatusCode = StatusCodes.Status201Created;
                http.Response.Headers["x-answered"] = "yes";
                await http.Request.Body.CopyToAsync(http.Response.Body);
            },
            ["sink"] = async (http, _) =>
            {
                http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
                await http.Request.Body.CopyToAsync(Stream.Null);
            },
            ["redirect"] = (http, _) =>
            {
                http.Response.Redirect("https://elsewhere.local/");
                return Task.CompletedTask;
            },
            ["broken"] = (http, _) => throw new InvalidOperationException("secret"),
            ["brokenLate"] = async (http, _) =>
            {
                await http.Response.WriteAsync("some of it");
                await http.Response.Body.FlushAsync();
                throw new InvalidOperationException("secret");
            },
            ["stream"] = async (http, _) =>
            {
                await http.Response.WriteAsync("first\n");
                await http.Response.Body.FlushAsync();
                await _gate.Task;
                await http.Response.WriteAsync("second\n");
            },
            ["hang"] = async (_, invocation) =>
            {
                _hanging.TrySetResult(invocation);
                await Task.Delay(Timeout.Infinite, invocation.CancellationToken);
            },
            ["patient"] = async (http, invocation) =>
            {
                _hanging.TrySetResult(invocation);
                await _gate.Task;
                await http.Response.WriteAsync("done");
            },
            ["guarded"] = (http, _) => http.Response.WriteAsync("open"),
            ["master"] = (http, _) => http.Response.WriteAsync("open"),
        });
    }

    public async ValueTask DisposeAsync()
    {
        _gate.TrySetResult();
        _client?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        await _worker.DisposeAsync();
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_request_goes_to_its_function_with_route_values_and_query_as_metadata()
    {
        await StartAsync();

        var metadata = JsonNode.Parse(await _client.GetStringAsync("api/items/7?name=Ann&itemId=8", Limit))!;

        metadata["itemId"]!.ToString().ShouldBe("7");
        metadata["name"]!.ToString().ShouldBe("Ann");
        JsonNode.Parse(metadata["Query"]!.ToString())!["name"]!.ToString().ShouldBe("Ann");
        JsonNode.Parse(metadata["Headers"]!.ToString())!["Host"]!.ToString().ShouldStartWith("127.0.0.1:");
        _worker.Requests.ShouldBe(["/api/items/7?name=Ann&itemId=8"]);
    }

    [Theory]
    [InlineData("GET", "api/any", HttpStatusCode.OK, "GET ")]
    [InlineData("PATCH", "api/any", HttpStatusCode.OK, "PATCH ")]
    [InlineData("GET", "api/assistant", HttpStatusCode.OK, "read")]
    [InlineData("DELETE", "api/assistant", HttpStatusCode.OK, "deleted")]
    [InlineData("POST", "api/assistant", HttpStatusCode.NotFound, "")]
    [InlineData("HEAD", "api/assistant", HttpStatusCode.NotFound, "")]
    [InlineData("POST", "api/items/7", HttpStatusCode.NotFound, "")]
    [InlineData("GET", "api/items/seven", HttpStatusCode.NotFound, "")]
    [InlineData("GET", "api/absent", HttpStatusCode.NotFound, "")]
    [InlineData("GET", "any", HttpStatusCode.NotFound, "")]
    [InlineData("GET", "api/broken", HttpStatusCode.InternalServerError, "")]
    public async Task A_request_is_answered_by_its_path_and_method(string method, string address, HttpStatusCode status, string text)
    {
        await StartAsync();

        var response = await SendAsync(new HttpMethod(method), address);

        response.StatusCode.ShouldBe(status);
        (await response.Content.ReadAsStringAsync(Limit)).ShouldBe(text);
    }

    [Fact]
    public async Task Without_a_route_prefix_functions_stand_at_the_root()
    {
        await StartAsync(routePrefix: "");

        (await _client.GetStringAsync("any", Limit)).ShouldBe("GET ");
    }

    [Fact]
    public async Task Status_headers_and_body_go_both_ways()
    {
        await StartAsync();

        var response = await SendAsync(HttpMethod.Post, "api/echo", new StringContent("body"));

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Headers.GetValues("x-answered").ShouldBe(["yes"]);
        (await response.Content.ReadAsStringAsync(Limit)).ShouldBe("body");
    }

    [Fact]
    public async Task A_redirect_is_the_clients_to_follow()
    {
        await StartAsync();
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = _server!.Url };

        var response = await client.GetAsync("api/redirect", Limit);

        response.StatusCode.ShouldBe(HttpStatusCode.Found);
        response.Headers.Location.ShouldBe(new Uri("https://elsewhere.local/"));
    }

    [Theory]
    [InlineData("a%2Fb", "a%2Fb")]
    [InlineData("a%20b%3F%C3%A9", "a b?é")]
    public async Task An_encoded_slash_of_a_path_stays_encoded(string sent, string received)
    {
        await StartAsync();

        (await _client.GetStringAsync($"api/channels/{sent}", Limit)).ShouldBe($"/api/channels/{received} {received}");
    }

    [Fact]
    public async Task The_worker_learns_whence_a_request_comes_whatever_its_client_says()
    {
        await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/forwarded");
        request.Headers.Add("X-Forwarded-For", "1.2.3.4");
        request.Headers.Add("x-ms-invocation-id", "mine");

        var headers = JsonNode.Parse(await (await _client.SendAsync(request, Limit)).Content.ReadAsStringAsync(Limit))!;

        headers["X-Forwarded-For"]!.ToString().ShouldBe("127.0.0.1");
        headers["X-Forwarded-Host"]!.ToString().ShouldBe(_server!.Url.Authority);
        headers["X-Forwarded-Proto"]!.ToString().ShouldBe("http");
        Guid.TryParse(headers["x-ms-invocation-id"]!.ToString(), out _).ShouldBeTrue();
    }

    [Fact]
    public async Task A_function_asks_for_its_key()
    {
        await StartAsync();

        (await StatusAsync("api/guarded")).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync("api/guarded?code=wrong")).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync($"api/guarded?code={_keys.DefaultKey}")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync("api/guarded", _keys.MasterKey)).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync("api/master", _keys.DefaultKey)).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync("api/master", _keys.MasterKey)).ShouldBe(HttpStatusCode.OK);
        _worker.Requests.Count.ShouldBe(3);
    }

    [Theory]
    [InlineData("http://page.local", "http://page.local")]
    [InlineData("*", "*")]
    public async Task A_page_of_an_allowed_origin_may_call(string allowed, string answered)
    {
        await StartAsync(allowed);
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "api/guarded");
        preflight.Headers.Add("Origin", "http://page.local");
        preflight.Headers.Add("Access-Control-Request-Method", "GET");
        preflight.Headers.Add("Access-Control-Request-Headers", "x-functions-key");

        var response = await _client.SendAsync(preflight, Limit);

        response.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        response.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe([answered]);
        response.Headers.GetValues("Access-Control-Allow-Methods").ShouldBe(["GET"]);
        response.Headers.GetValues("Access-Control-Allow-Headers").ShouldBe(["x-functions-key"]);
    }

    [Theory]
    [InlineData("api/any")]
    [InlineData("api/broken")]
    [InlineData("api/guarded")]
    public async Task A_page_of_an_allowed_origin_may_read_every_answer(string address)
    {
        await StartAsync("http://page.local");

        var response = await SendAsync(HttpMethod.Get, address, origin: "http://page.local");

        response.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe(["http://page.local"]);
    }

    [Fact]
    public async Task A_page_of_another_origin_gets_no_leave()
    {
        await StartAsync("http://page.local");

        var response = await SendAsync(HttpMethod.Get, "api/any", origin: "http://other.local");

        response.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task Options_that_ask_for_no_leave_are_the_functions_own()
    {
        await StartAsync("http://page.local");

        var response = await SendAsync(HttpMethod.Options, "api/any", origin: "http://page.local");

        (await response.Content.ReadAsStringAsync(Limit)).ShouldBe("OPTIONS ");
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_refused()
    {
        await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/echo") { Content = new StreamContent(Stream.Null) };
        request.Content.Headers.ContentLength = FunctionRequests.MaxBodySize + 1;
        request.Headers.ExpectContinue = true;

        var response = await _client.SendAsync(request, Limit);

        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        _worker.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_body_that_turns_out_to_be_beyond_the_limit_is_refused()
    {
        await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/sink") { Content = new StreamContent(new Zeros(FunctionRequests.MaxBodySize + 1)) };
        request.Headers.TransferEncodingChunked = true;

        var response = await _client.SendAsync(request, Limit);

        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task A_body_that_trickles_in_is_given_up_and_others_are_served_meanwhile()
    {
        await StartAsync();
        using var slow = new TcpClient();
        await slow.ConnectAsync(_server!.Url.Host, _server.Url.Port, Limit);
        await using var stream = slow.GetStream();
        await stream.WriteAsync("POST /api/sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"u8.ToArray(), Limit);
        using var reader = new StreamReader(stream);
        var answer = reader.ReadLineAsync(Limit).AsTask();

        while (!answer.IsCompleted)
        {
            (await _client.GetStringAsync("api/any", Limit)).ShouldBe("GET ");
            await stream.WriteAsync("x"u8.ToArray(), Limit);
            await Task.WhenAny(answer, Task.Delay(TimeSpan.FromSeconds(0.5), Limit));
        }

        (await answer).ShouldBe("HTTP/1.1 408 Request Timeout");
    }

    [Theory]
    [InlineData(1, 40_000)]
    [InlineData(200, 1)]
    public async Task Headers_that_are_too_large_or_too_many_are_refused(int count, int length)
    {
        await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/echo");
        foreach (var number in Enumerable.Range(0, count))
        {
            request.Headers.Add($"x-{number}", new string('x', length));
        }

        var response = await _client.SendAsync(request, Limit);

        response.StatusCode.ShouldBe(HttpStatusCode.RequestHeaderFieldsTooLarge);
        _worker.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_function_that_fails_after_it_has_begun_to_answer_breaks_its_answer_off()
    {
        await StartAsync();

        await Should.ThrowAsync<HttpRequestException>(_client.GetStringAsync("api/brokenLate", Limit));
    }

    [Fact]
    public async Task An_answer_comes_as_its_function_writes_it()
    {
        await StartAsync();
        using var response = await _client.GetAsync("api/stream", HttpCompletionOption.ResponseHeadersRead, Limit);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Limit));

        (await reader.ReadLineAsync(Limit)).ShouldBe("first");
        _gate.SetResult();
        (await reader.ReadLineAsync(Limit)).ShouldBe("second");
    }

    [Fact]
    public async Task A_request_that_its_client_gave_up_cancels_its_function()
    {
        await StartAsync();
        using var giveUp = new CancellationTokenSource();
        var request = _client.GetAsync("api/hang", giveUp.Token);
        var invocation = await _hanging.Task.WaitAsync(Limit);
        var cancelled = new TaskCompletionSource();
        await using var registration = invocation.CancellationToken.Register(cancelled.SetResult);

        await giveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(request);
        await cancelled.Task.WaitAsync(Limit);
    }

    [Fact]
    public async Task The_trace_of_the_client_goes_on()
    {
        Activity? current = null;
        await StartAsync(invoker: new FakeInvoker(invocation =>
        {
            current = Activity.Current;
            return ((IFunctionInvoker)_worker).InvokeAsync(invocation.Function, invocation.Input, invocation.CancellationToken);
        }));
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/any");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        await _client.SendAsync(request, Limit);

        current!.TraceId.ToHexString().ShouldBe("0af7651916cd43dd8448eb211c80319c");
        current.ParentSpanId.ToHexString().ShouldBe("b7ad6b7169203331");
    }

    [Fact]
    public async Task A_request_waits_while_the_worker_is_away()
    {
        var back = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await StartAsync(worker: token =>
        {
            asked.TrySetResult();
            return back.Task.WaitAsync(token);
        });

        var request = _client.GetStringAsync("api/any", Limit);
        await asked.Task.WaitAsync(Limit);
        back.SetResult(_worker.Url);

        (await request).ShouldBe("GET ");
    }

    [Fact]
    public async Task A_request_that_has_waited_half_a_minute_for_the_worker_is_told_so()
    {
        _time = new ManualTimeProvider();
        await StartAsync(worker: async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            throw new UnreachableException();
        });

        var request = _client.GetAsync("api/any", Limit);
        await _time.TimerSetForAsync(HostAvailability.Timeout).WaitAsync(Limit);
        _time.Advance(HostAvailability.Timeout);

        var response = await request;
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await response.Content.ReadAsStringAsync(Limit)).ShouldBe("Function host is not running.");
    }

    [Fact]
    public async Task A_request_for_which_there_will_be_no_worker_is_told_so()
    {
        await StartAsync(worker: _ => throw new InvalidOperationException("none"));

        (await StatusAsync("api/any")).ShouldBe(HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task A_request_fails_when_its_worker_dies()
    {
        await StartAsync(invoker: new FakeInvoker(async invocation =>
        {
            await _worker.DisposeAsync();
            throw new InvalidOperationException("the worker has died");
        }));

        (await StatusAsync("api/any")).ShouldBe(HttpStatusCode.InternalServerError);
    }

    [Fact]
    public async Task Requests_that_come_before_the_functions_wait_for_them()
    {
        _time = new ManualTimeProvider();
        _server = await HttpServer.StartAsync(Options(), Limit);
        _client = new HttpClient { BaseAddress = _server.Url };
        var early = _client.GetStringAsync("api/any", Limit);
        await _time.TimerSetForAsync(HostAvailability.Timeout).WaitAsync(Limit);

        Serve();

        (await early).ShouldBe("GET ");
    }

    [Fact]
    public async Task A_taken_port_is_told_in_one_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        (await Should.ThrowAsync<StartupException>(HttpServer.StartAsync(Options() with { Port = port }, Limit)))
            .Message.ShouldBe($"Port {port} of 127.0.0.1 is taken; stop what listens there or take another with --port.");
    }

    [Fact]
    public async Task A_request_at_work_is_answered_before_the_server_stops()
    {
        _time = new ManualTimeProvider();
        await StartAsync();
        var request = _client.GetStringAsync("api/patient", Limit);
        await _hanging.Task.WaitAsync(Limit);

        var stopping = _server!.StopAsync(CancellationToken.None);
        await _time.TimerSetForAsync(ShutdownGrace.Length).WaitAsync(Limit);
        _gate.SetResult();

        (await request).ShouldBe("done");
        await stopping.WaitAsync(Limit);
    }

    [Fact]
    public async Task A_function_that_does_not_end_is_cancelled_at_the_stop()
    {
        _time = new ManualTimeProvider();
        await StartAsync();
        var request = _client.GetAsync("api/hang", Limit);
        await _hanging.Task.WaitAsync(Limit);

        var stopping = _server!.StopAsync(CancellationToken.None);
        await _time.TimerSetForAsync(ShutdownGrace.Length).WaitAsync(Limit);
        _time.Advance(ShutdownGrace.Length);

        (await request).StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        await stopping.WaitAsync(Limit);
    }

    [Theory]
    [InlineData("admin/host/ping", "none", HttpStatusCode.OK)]
    [InlineData("admin/host/status", "none", HttpStatusCode.Unauthorized)]
    [InlineData("admin/host/status", "function", HttpStatusCode.Unauthorized)]
    [InlineData("admin/host/status", "master", HttpStatusCode.OK)]
    [InlineData("admin/functions", "none", HttpStatusCode.Unauthorized)]
    [InlineData("admin/functions", "master", HttpStatusCode.OK)]
    [InlineData("runtime/webhooks/durabletask/instances", "none", HttpStatusCode.Unauthorized)]
    [InlineData("runtime/webhooks/durabletask/instances", "function", HttpStatusCode.Unauthorized)]
    [InlineData("runtime/webhooks/durabletask/instances", "system", HttpStatusCode.Accepted)]
    [InlineData("runtime/webhooks/durabletask/instances", "master", HttpStatusCode.Accepted)]
    [InlineData("runtime/webhooks/other/instances", "master", HttpStatusCode.NotFound)]
    public async Task The_hosts_own_pages_ask_for_their_keys(string address, string key, HttpStatusCode status)
    {
        await StartAsync();

        (await StatusAsync(address, key switch
        {
            "master" => _keys.MasterKey,
            "system" => _keys.SystemKey,
            "function" => _keys.DefaultKey,
            _ => null,
        })).ShouldBe(status);
    }

    [Fact]
    public async Task The_state_is_told_before_there_are_functions()
    {
        _server = await HttpServer.StartAsync(Options(), Limit);
        _client = new HttpClient { BaseAddress = _server.Url };
        (await StateAsync()).ShouldBe("Starting");

        Serve();

        (await StateAsync()).ShouldBe("Running");

        async Task<string> StateAsync() =>
            JsonNode.Parse(await _client.GetStringAsync($"admin/host/status?code={_keys.MasterKey}", Limit))!["state"]!.ToString();
    }

    [Fact]
    public async Task The_functions_are_listed_with_their_addresses()
    {
        await StartAsync();

        var list = JsonNode.Parse(await _client.GetStringAsync($"admin/functions?code={_keys.MasterKey}", Limit))!.AsArray();

        var item = list.Single(function => function!["name"]!.ToString() == "item")!;
        item["invoke_url_template"]!.ToString().ShouldBe($"{_server!.Url}api/items/{{itemId:int}}");
        item["config"]!["bindings"]![0]!["type"]!.ToString().ShouldBe("httpTrigger");
        list.Single(function => function!["name"]!.ToString() == "tick")!["invoke_url_template"].ShouldBeNull();
    }

    [Fact]
    public async Task The_management_of_orchestrations_gets_the_whole_request_and_answers_it()
    {
        await StartAsync();

        var response = await SendAsync(
            HttpMethod.Post, $"runtime/webhooks/durabletask/instances/a%2Fb/raiseEvent/e?code={_keys.SystemKey}", new StringContent("\"x\"", Encoding.UTF8, "application/json"));

        (await response.Content.ReadAsStringAsync(Limit)).ShouldBe("""POST application/json "x" """.Trim());
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/plain");
        response.Headers.Location.ShouldBe(new Uri("http://here.local/"));
        _managed.Single().RequestUri.ShouldBe(new Uri(_server!.Url, $"runtime/webhooks/durabletask/instances/a%2Fb/raiseEvent/e?code={_keys.SystemKey}"));
    }

    [Fact]
    public async Task A_timer_function_can_be_run_by_hand()
    {
        await StartAsync();

        (await RunAsync("tick", "{}")).ShouldBe(HttpStatusCode.Accepted);

        var invocation = await _manual.NextAsync(Limit);
        invocation.Function.Name.ShouldBe("tick");
        JsonNode.Parse(invocation.Text)!["IsPastDue"]!.GetValue<bool>().ShouldBeFalse();
    }

    [Fact]
    public async Task A_queue_function_can_be_given_a_message_by_hand()
    {
        await StartAsync();

        (await RunAsync("receive", """{"input": "text"}""")).ShouldBe(HttpStatusCode.Accepted);

        (await _manual.NextAsync(Limit)).Text.ShouldBe("text");
    }

    [Theory]
    [InlineData("absent", "{}", HttpStatusCode.NotFound)]
    [InlineData("tick", "", HttpStatusCode.BadRequest)]
    [InlineData("tick", "no json", HttpStatusCode.BadRequest)]
    [InlineData("any", "{}", HttpStatusCode.BadRequest)]
    public async Task What_cannot_be_run_by_hand_is_refused(string function, string body, HttpStatusCode status)
    {
        await StartAsync();

        (await RunAsync(function, body)).ShouldBe(status);
    }

    [Fact]
    public async Task To_run_a_function_by_hand_takes_the_master_key()
    {
        await StartAsync();

        (await SendAsync(HttpMethod.Post, $"admin/functions/tick?code={_keys.DefaultKey}", new StringContent("{}"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        _manual.Count.ShouldBe(0);
    }

    private async Task StartAsync(
        string? allowedOrigin = null, string routePrefix = "api", Func<CancellationToken, Task<Uri>>? worker = null, IFunctionInvoker? invoker = null)
    {
        _server = await HttpServer.StartAsync(
            Options() with { RoutePrefix = routePrefix, AllowedOrigins = allowedOrigin is null ? [] : [allowedOrigin] }, Limit);
        _client = new HttpClient { BaseAddress = _server.Url };
        Serve(worker, invoker);
    }

    private HttpServerOptions Options() => new()
    {
        RoutePrefix = "api",
        Keys = _keys,
        Grace = new ShutdownGrace(_time ?? TimeProvider.System),
        Time = _time ?? TimeProvider.System,
        Logs = new LoggerFactory([_logs]),
    };

    private void Serve(Func<CancellationToken, Task<Uri>>? worker = null, IFunctionInvoker? invoker = null)
    {
        var options = Options();
        var index = FunctionIndex.Read(
            [
                Metadata.Http("item", "items/{itemId:int}", methods: "get"),
                Metadata.Http("any"),
                Metadata.Http("readAssistant", "assistant", methods: "get"),
                Metadata.Http("deleteAssistant", "assistant", methods: "delete"),
                Metadata.Http("channel", "channels/{channel}", methods: "get"),
                Metadata.Http("forwarded"),
                Metadata.Http("echo", methods: "post"),
                Metadata.Http("sink"),
                Metadata.Http("redirect"),
                Metadata.Http("broken"),
                Metadata.Http("brokenLate"),
                Metadata.Http("stream"),
                Metadata.Http("hang"),
                Metadata.Http("patient"),
                Metadata.Http("guarded", level: "Function"),
                Metadata.Http("master", level: "Admin"),
                Metadata.Timer("tick", "0 0 * * * *"),
                Metadata.Queue("receive"),
            ],
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["QUEUE"] = "q", ["BROKER"] = "amqp://127.0.0.1:1" }).Build());
        _server!.Serve(new ServedFunctions
        {
            Index = index,
            Invoker = invoker ?? _worker,
            Worker = worker ?? (_ => Task.FromResult(_worker.Url)),
            ManualRuns = new ManualRuns(index, _manual, new TimerMonitor(_folder, options.Logs.CreateLogger("")), options.Grace, options.Time, options.Logs.CreateLogger("")),
            DurableWebhook = ManageAsync,
        });
    }

    private async Task<HttpResponseMessage> ManageAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        _managed.Enqueue(request);
        var body = await request.Content!.ReadAsStringAsync(cancellationToken);
        return new HttpResponseMessage(HttpStatusCode.Accepted)
        {
            Content = new StringContent($"{request.Method} {request.Content.Headers.ContentType?.MediaType} {body}"),
            Headers = { Location = new Uri("http://here.local/") },
        };
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string address, HttpContent? content = null, string? origin = null)
    {
        using var request = new HttpRequestMessage(method, address) { Content = content };
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        return await _client.SendAsync(request, Limit);
    }

    private async Task<HttpStatusCode> StatusAsync(string address, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (key is not null)
        {
            request.Headers.Add("x-functions-key", key);
        }

        using var response = await _client.SendAsync(request, Limit);
        return response.StatusCode;
    }

    private async Task<HttpStatusCode> RunAsync(string function, string body) =>
        (await SendAsync(HttpMethod.Post, $"admin/functions/{function}?code={_keys.MasterKey}", new StringContent(body, Encoding.UTF8, "application/json"))).StatusCode;

    private sealed class Zeros(long length) : Stream
    {
        private long _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(_left, count);
            _left -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
