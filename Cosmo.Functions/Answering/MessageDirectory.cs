using System.Text.Json;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering;

/// <summary>Which channel and attempt a message id belongs to, for operators who know the id alone. Kept in Redis for a day.</summary>
internal sealed class MessageDirectory(RedisConnection redis)
{
    private const int KeptSeconds = 86_400;

    public Task RememberAsync(MessageAddress address, CancellationToken cancellationToken) => redis.RunAsync(
        database => database.ExecuteAsync("SET", (RedisKey)Key(address.MessageId), JsonSerializer.Serialize(address, CosmoJson.Options), "EX", KeptSeconds),
        cancellationToken);

    /// <summary>The newest message with this id, or null.</summary>
    public async Task<MessageAddress?> FindAsync(string messageId, CancellationToken cancellationToken)
    {
        string? found = await redis.RunAsync(database => database.StringGetAsync(Key(messageId)), cancellationToken);
        return found is null ? null : JsonSerializer.Deserialize<MessageAddress>(found, CosmoJson.Options);
    }

    /// <summary>Forgets a message, unless the id belongs to another one by now.</summary>
    public async Task ForgetAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        if (await FindAsync(address.MessageId, cancellationToken) == address)
        {
            await redis.RunAsync(database => database.KeyDeleteAsync(Key(address.MessageId)), cancellationToken);
        }
    }

    private string Key(string messageId) => $"{redis.Prefix}address:{messageId}";
}
