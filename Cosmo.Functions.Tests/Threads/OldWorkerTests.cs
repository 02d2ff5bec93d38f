using System.Diagnostics;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Threads;

/// <summary>The keys are shared with programs in Python, which use its Redis client.</summary>
public sealed class OldWorkerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Python_and_Cosmo_read_and_write_the_same_keys()
    {
        await using var redis = new TestRedis();
        var time = new ManualTimeProvider();
        using var access = new AccessSetup(redis.Connection, time);
        var store = new ThreadStore(redis.Connection, new ThreadIndex(redis.Connection, time), access.Owners, Options.Create(new ThreadOptions()), time, NullLogger<ThreadStore>.Instance);
        await RunPythonAsync("""
            r.set(prefix + "thread:über", "conv_python", ex=100)
            r.set(prefix + "metadata:über", json.dumps({"created_at": 1683042123.4, "message_count": 3, "last_message_at": 1683042200.1}), ex=100)
            """, redis.Prefix);

        (await store.UseAsync("über", [], Cancellation)).ShouldBe("conv_python");
        await store.CountMessagesAsync("über", ["m1"], Cancellation);
        await store.SaveAsync("new", "conv_cosmo", Cancellation);

        var read = JsonNode.Parse(await RunPythonAsync("""
            old = json.loads(r.get(prefix + "metadata:über"))
            new = json.loads(r.get(prefix + "metadata:new"))
            print(json.dumps([r.get(prefix + "thread:new"), old["created_at"], old["message_count"], old["last_message_at"],
                              new["message_count"], r.ttl(prefix + "thread:über") > 7700000, r.ttl(prefix + "metadata:über") > 7700000]))
            """, redis.Prefix))!;
        var now = time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        JsonNode.DeepEquals(read, new JsonArray("conv_cosmo", 1683042123.4, 4, now, 0, true, true)).ShouldBeTrue(read.ToJsonString());
    }

    [Fact]
    public async Task Keys_that_Python_wrote_are_counted_and_pruned()
    {
        await using var redis = new TestRedis();
        var room = new ThreadRoom(redis.Connection);
        await RunPythonAsync($$"""
            now = {{room.Ago(0).ToString(System.Globalization.CultureInfo.InvariantCulture)}}
            for channel, days, count in [("über", 0.5, 3), ("old", 100, 4), ("user_session_abc123", 20, 5)]:
                r.set(prefix + "thread:" + channel, "thread_" + channel, ex=7776000)
                at = now - days * 86400
                r.set(prefix + "metadata:" + channel, json.dumps({"created_at": at, "message_count": count, "last_message_at": at}), ex=7776000)
            """, redis.Prefix);

        await room.IndexAllAsync();
        var statistics = await room.Statistics.ReadAsync(Cancellation);
        var pruned = await room.PruneAsync();

        (statistics.Threads, statistics.MetadataEntries, statistics.TotalMessages).ShouldBe((3, 3, 12));
        statistics.Ages.Select(group => group.Threads).ShouldBe([1, 0, 1, 0, 1]);
        pruned.ShouldBe((1, 0, 0));
        (await RunPythonAsync("""
            print(sorted(key[len(prefix):] for key in r.scan_iter(prefix + "[tm]*")))
            """, redis.Prefix)).Trim().ShouldBe("['metadata:user_session_abc123', 'metadata:über', 'thread:user_session_abc123', 'thread:über']");
    }

    private static async Task<string> RunPythonAsync(string script, string prefix)
    {
        var start = new ProcessStartInfo("/usr/bin/python3", ["-", prefix, TestRedis.Url])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var python = Process.Start(start)!;
        await python.StandardInput.WriteAsync("""
            import json, sys, redis
            prefix = sys.argv[1]
            r = redis.Redis.from_url(sys.argv[2], decode_responses=True)

            """ + script);
        python.StandardInput.Close();
        var output = await python.StandardOutput.ReadToEndAsync(Cancellation);
        var error = await python.StandardError.ReadToEndAsync(Cancellation);
        await python.WaitForExitAsync(Cancellation);
        python.ExitCode.ShouldBe(0, error);
        return output;
    }
}
