using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Assistants.Profiles;

/// <summary>The id of the assistant's profile in Redis, where the contract has it (<c>{prefix}assistant_id</c>).</summary>
internal sealed class AssistantProfileStore(RedisConnection redis, ProfileCatalog profiles)
{
    private RedisKey Key => redis.Prefix + "assistant_id";

    /// <summary>The stored id, or null.</summary>
    public Task<string?> FindAsync(CancellationToken cancellationToken) =>
        redis.RunAsync(async database => (string?)await database.StringGetAsync(Key), cancellationToken);

    /// <summary>Stores the id of the profile in use, and returns it.</summary>
    public async Task<string> SaveAsync(CancellationToken cancellationToken)
    {
        await redis.RunAsync(database => database.ExecuteAsync("SET", Key, profiles.Id), cancellationToken);
        return profiles.Id;
    }

    /// <summary>Deletes the stored id if it is this one; returns whether it was.</summary>
    public async Task<bool> DeleteAsync(string id, CancellationToken cancellationToken)
    {
        const string script = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
        return (int)await redis.EvaluateAsync(script, [Key], [id], cancellationToken) == 1;
    }
}
