namespace Cosmo.Functions.Assistants;

internal static partial class Log
{
    [LoggerMessage(300, LogLevel.Warning, "A call of the model's service failed (try {Try}): {Failure}: {Reason}")]
    public static partial void TryFailed(this ILogger logger, int @try, AssistantFailure failure, string reason, Exception? exception);

    [LoggerMessage(301, LogLevel.Debug, "The model's service said: {Text}")]
    public static partial void ServiceSaid(this ILogger logger, string? text);

    [LoggerMessage(302, LogLevel.Information, "Response {ResponseId} had become whole after its stream broke, and was taken.")]
    public static partial void Taken(this ILogger logger, string responseId);

    [LoggerMessage(303, LogLevel.Warning, "Conversation {ThreadId} waited for outputs of {Count} tool calls; they were given some.")]
    public static partial void Repaired(this ILogger logger, string threadId, int count);

    [LoggerMessage(304, LogLevel.Warning, "The model {Model} is retired on {Date}, in {Days} days: set Cosmo:Assistants:Model (OPENAI_MODEL), or the profile's model, to another.")]
    public static partial void RetirementNear(this ILogger logger, string model, DateOnly date, int days);

    [LoggerMessage(305, LogLevel.Error, "The model {Model} is not to be had: set Cosmo:Assistants:Model (OPENAI_MODEL) to another.")]
    public static partial void ModelUnknown(this ILogger logger, string model);

    [LoggerMessage(306, LogLevel.Debug, "The model could not be looked up at start-up.")]
    public static partial void LookUpFailed(this ILogger logger, Exception exception);

    [LoggerMessage(307, LogLevel.Warning, "The id of the assistant's profile could not be stored.")]
    public static partial void ProfileNotStored(this ILogger logger, Exception exception);

    [LoggerMessage(308, LogLevel.Warning, "Conversation {ThreadId} lacked {Count} items of response {ResponseId}; they were added.")]
    public static partial void ItemsAdded(this ILogger logger, string threadId, int count, string responseId);

    [LoggerMessage(309, LogLevel.Warning, "Conversation {ThreadId} held {Count} items of a response that did not become whole; they were taken out.")]
    public static partial void ItemsRemoved(this ILogger logger, string threadId, int count);

    [LoggerMessage(310, LogLevel.Warning, "What stands of a response in conversation {ThreadId} could not be looked at or put right: {Reason}")]
    public static partial void NotPutRight(this ILogger logger, string threadId, string reason);

    [LoggerMessage(311, LogLevel.Warning, "The model {Model} does not answer; {Fallback} is asked in its place.")]
    public static partial void FallsBack(this ILogger logger, string model, string fallback);

    [LoggerMessage(312, LogLevel.Information, "The stream of response {ResponseId} is taken up again behind event {Position}.")]
    public static partial void Resumes(this ILogger logger, string responseId, int position);
}
