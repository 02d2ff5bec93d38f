using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class RedisFaultTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("LOADING Redis is loading the dataset in memory")]
    [InlineData("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.")]
    [InlineData("READONLY You can't write against a read only replica.")]
    [InlineData("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")]
    [InlineData("NOREPLICAS Not enough good replicas to write.")]
    [InlineData("CLUSTERDOWN The cluster is down")]
    [InlineData("TRYAGAIN Multiple keys request during rehashing of slot")]
    [InlineData("OOM command not allowed when used memory > 'maxmemory'.")]
    [InlineData("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.")]
    [InlineData("ERR max number of clients reached")]
    [InlineData("ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write against a read only replica.")]
    public void What_passes_by_itself_is_tried_again(string error) => RedisFault.MayPass(new RedisServerException(RedisErrorKind.Unknown, CommandFlags.None, error)).ShouldBeTrue();

    [Theory]
    [InlineData("WRONGTYPE Operation against a key holding the wrong kind of value")]
    [InlineData("WRONGTYPE Operation against a key holding the wrong kind of value script: 1f, on @user_script:1.")]
    [InlineData("ERR Error running script (call to f_1): @user_script:1: WRONGTYPE Operation against a key holding the wrong kind of value")]
    [InlineData("NOAUTH Authentication required.")]
    [InlineData("WRONGPASS invalid username-password pair or user is disabled.")]
    [InlineData("NOPERM this user has no permissions to run the 'get' command")]
    [InlineData("ERR Error compiling script (new function): user_script:1: '=' expected near 'x'")]
    [InlineData("ERR unknown command 'EVAL', with args beginning with: 'BUSY ' ")]
    public void What_does_not_is_not(string error) => RedisFault.MayPass(new RedisServerException(RedisErrorKind.Unknown, CommandFlags.None, error)).ShouldBeFalse();

    [Theory]
    [InlineData("return redis.call('GET', KEYS[1])")]
    [InlineData("return x y")]
    public async Task What_Redis_refuses_is_asked_for_once(string script)
    {
        await using var redis = new TestRedis();
        await redis.Connection.RunAsync(database => database.HashSetAsync(redis.Prefix + "a", "owner", "x"), Cancellation);
        var tries = 0;

        await Should.ThrowAsync<RedisServerException>(() => RedisRetry.RunAsync(
            () => redis.Connection.EvaluateAsync(script, [redis.Prefix + "a"], [], Cancellation), TimeSpan.FromMinutes(1), TimeProvider.System, _ => tries++, Cancellation));

        tries.ShouldBe(1);
    }
}
