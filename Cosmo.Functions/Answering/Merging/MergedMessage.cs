using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Answering.Merging;

/// <summary>A message that is asked together with one before it, and answered by its answer.</summary>
/// <param name="Question">What the user asks.</param>
/// <param name="Properties">The original properties, for its dead letter and its reply.</param>
/// <param name="ReceivedAt">When it was taken in.</param>
internal sealed record MergedMessage(MessageAddress Address, string Question, DeliveryProperties Properties, DateTimeOffset ReceivedAt)
{
    /// <summary>So many characters of questions are asked together at most: as many as one message may have by default.</summary>
    public const int MostText = 32_000;

    public static MergedMessage Read(string json) => JsonSerializer.Deserialize<MergedMessage>(json, CosmoJson.Options)!;
}

/// <summary>What is kept of a message while it waits, where messages are merged.</summary>
/// <param name="Group">Messages of one group may be asked together.</param>
/// <param name="MayFollow">It may be asked together with one before it.</param>
internal sealed record MergeTicket(string Group, bool MayFollow, MergedMessage Message)
{
    /// <summary>Of the same caller, for the same profile: what one may use and is shown does not depend on who asked what.</summary>
    public static MergeTicket Of(MessageAddress address, ChatMessage message, DeliveryProperties properties, DateTimeOffset receivedAt)
    {
        var caller = message.Caller;
        var group = JsonSerializer.SerializeToUtf8Bytes<object?[]>(
            [address.Profile, caller.IsTrustedProducer, caller.Issuer, caller.Id, caller.Source, caller.Roles.Order(StringComparer.Ordinal)], CosmoJson.Options);
        return new(
            Convert.ToHexStringLower(SHA256.HashData(group)), MayFollow: message.Replaces is null, new(address, message.Message, properties, receivedAt));
    }

    /// <summary>As Redis keeps it: the length of the question, the group, whether it may follow, and the message.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Message.Question.Length} {Group} {(MayFollow ? 1 : 0)} {JsonSerializer.Serialize(Message, CosmoJson.Options)}");
}
