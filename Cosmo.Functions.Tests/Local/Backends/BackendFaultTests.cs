using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace Cosmo.Functions.Tests.Local.Backends;

public sealed class BackendFaultTests : IAsyncLifetime
{
    private const string Geocode = "geo/1.0/direct?q=Makati&appid=k";

    private readonly BackendsFixture _backends = new();

    public ValueTask InitializeAsync() => _backends.InitializeAsync();

    public ValueTask DisposeAsync() => _backends.DisposeAsync();

    [Fact]
    public async Task A_failure_lasts_as_many_calls_as_it_says_and_only_for_its_path()
    {
        await _backends.SetFaultsAsync("""[{"path":"/geo","times":1,"status":429,"headers":{"Retry-After":"7"}}]""");

        (await _backends.GetAsync("users/juan.delacruz@example.com/role", "key")).Status.ShouldBe(HttpStatusCode.OK);
        using var failed = await _backends.Http.GetAsync(Geocode, TestContext.Current.CancellationToken);
        failed.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        failed.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(7));
        (await _backends.GetAsync(Geocode)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_slow_answer_is_still_right()
    {
        await _backends.SetFaultsAsync("""[{"delay":150}]""");
        var watch = Stopwatch.StartNew();

        (await _backends.GetAsync(Geocode)).Body.AsArray().Count.ShouldBe(1);
        watch.ElapsedMilliseconds.ShouldBeGreaterThanOrEqualTo(140);
    }

    [Fact]
    public async Task A_malformed_answer_cannot_be_read()
    {
        await _backends.SetFaultsAsync("""[{"malformed":true}]""");

        await Should.ThrowAsync<JsonException>(() => _backends.GetAsync(Geocode));
    }

    [Fact]
    public async Task Calls_are_listed_without_their_keys()
    {
        await _backends.GetAsync(Geocode);

        var list = (await _backends.GetAsync("emulator/requests")).Body;

        list["paths"]!.ToJsonString().ShouldBe("""["/geo/1.0/direct"]""");
        var request = list["requests"]!.AsArray().ShouldHaveSingleItem()!;
        request["query"]!.GetValue<string>().ShouldBe("?q=Makati");
        request["hasKey"]!.GetValue<bool>().ShouldBeTrue();
        request["status"]!.GetValue<int>().ShouldBe(200);
        request["answer"]!.GetValue<string>().ShouldStartWith("""[{"name":"Makati",""");
    }
}
