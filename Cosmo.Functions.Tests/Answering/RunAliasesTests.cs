using Cosmo.Functions.Answering;

namespace Cosmo.Functions.Tests.Answering;

public sealed class RunAliasesTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private readonly RunAliases _aliases;

    public RunAliasesTests() => _aliases = new RunAliases(_redis.Connection, _time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_call_is_not_taken_for_a_run_whatever_their_names()
    {
        await _aliases.RememberCallAsync("c", "run:1", "of a call", Cancellation);
        await _aliases.RememberRunAsync("c", "1", "of a run", Cancellation);
        await _aliases.RememberRunAsync("c", "call:2", "of another run", Cancellation);
        await _aliases.RememberCallAsync("c", "2", "of another call", Cancellation);

        (await _aliases.FindByCallAsync("c", "run:1", Cancellation)).ShouldBe("of a call");
        (await _aliases.FindByRunAsync("c", "1", Cancellation)).ShouldBe("of a run");
        (await _aliases.FindByRunAsync("c", "call:2", Cancellation)).ShouldBe("of another run");
        (await _aliases.FindByCallAsync("c", "2", Cancellation)).ShouldBe("of another call");
        (await _aliases.FindByCallAsync("c", "1", Cancellation)).ShouldBeNull();
        (await _aliases.FindByCallAsync("other", "2", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task The_newest_two_hundred_of_a_channel_are_known()
    {
        foreach (var i in Enumerable.Range(0, 201))
        {
            await _aliases.RememberRunAsync("c", $"{i}", "msg", Cancellation);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        (await _aliases.FindByRunAsync("c", "0", Cancellation)).ShouldBeNull();
        (await _aliases.FindByRunAsync("c", "1", Cancellation)).ShouldBe("msg");
        (await _aliases.FindByRunAsync("c", "200", Cancellation)).ShouldBe("msg");
        (await _redis.KeysAsync(Cancellation)).ShouldBe(["runs-by-age:{c}", "runs:{c}"]);
    }
}
