namespace Cosmo.Functions.Messaging;

/// <summary>Why a delivery is no chat message.</summary>
/// <param name="Cause">A stable word for machines, as it stands in the dead letter's header.</param>
/// <param name="Reason">A sentence that names the field and how to mend it.</param>
/// <param name="Channel">The channel, if the delivery named a usable one: then its clients are told.</param>
/// <param name="MessageId">The message id, if it was usable.</param>
internal sealed record Rejection(string Cause, string Reason, string? Channel = null, string? MessageId = null)
{
    public const string NotJson = "not_json";
    public const string InvalidEncoding = "invalid_encoding";
    public const string InvalidMessage = "invalid_message";
    public const string TooLong = "too_long";
}
