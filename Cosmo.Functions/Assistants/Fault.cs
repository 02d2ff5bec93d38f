using System.ClientModel;
using System.Net.Sockets;
using System.Text.Json;
using Azure.Identity;

namespace Cosmo.Functions.Assistants;

/// <summary>What went wrong in one try, and whether another may do better.</summary>
/// <param name="Failure">The cause.</param>
/// <param name="Message">In our own words, with the service's status and code, for operators: nothing else of the service's text is in it.</param>
/// <param name="MayPass">Whether another try is worth while.</param>
internal sealed record Fault(AssistantFailure Failure, string Message, bool MayPass)
{
    /// <summary>What clients are told in the place of <see cref="Message"/>, where that is for operators alone.</summary>
    public string? Told { get; init; }

    /// <summary>It lies at the model, or at how much of it is to be had: another one may answer.</summary>
    public bool IsOfModel { get; init; }

    /// <summary>The HTTP status; 0 if there was none.</summary>
    public int Status { get; init; }

    /// <summary>The service's code for it, if it gave one.</summary>
    public string? Code { get; init; }

    /// <summary>How long the service asked to wait, if it did.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The call without an output because of which the service takes no question in this conversation.</summary>
    public string? UnansweredCall { get; init; }

    /// <summary>The service's own text, for the log at Debug.</summary>
    public string? ServiceText { get; init; }

    public Exception? Cause { get; init; }

    /// <summary>The answer broke off, which says nothing about whether the service went on with it.</summary>
    public bool IsBreak => Failure is AssistantFailure.Connection or AssistantFailure.Timeout;

    public AssistantException ToException() => new(Failure, Message, Cause) { Told = Told ?? Message };

    /// <summary>The fault behind an exception of a call that its caller did not cancel; null if it is none of the service's.</summary>
    public static Fault? Of(Exception exception, DateTimeOffset now) => exception switch
    {
        AggregateException { InnerExceptions: [.., var last] } => Of(last, now),
        ClientResultException { Status: > 0 } answer => ServiceError.Read(answer, now),
        ClientResultException or HttpRequestException or IOException or SocketException =>
            new(AssistantFailure.Connection, "The connection to the model's service failed or broke off.", MayPass: true) { Cause = exception },
        AuthenticationFailedException =>
            new(AssistantFailure.Other, "Cosmo's identity could not be proved to the model's service.", MayPass: true)
            {
                Told = "The model's service cannot be used at the moment.",
                Cause = exception,
            },
        OperationCanceledException =>
            new(AssistantFailure.Timeout, "The model's service did not answer in time.", MayPass: true) { Cause = exception },
        JsonException or FormatException => Unreadable with { Cause = exception },
        _ => null,
    };

    /// <summary>The stream ended or broke before the response was whole.</summary>
    public static Fault Cut { get; } = new(AssistantFailure.Connection, "The answer broke off before it was whole.", MayPass: true);

    /// <summary>Something came that is no JSON, or none that a response could be.</summary>
    public static Fault Unreadable { get; } = new(AssistantFailure.Connection, "The model's service sent something that could not be read.", MayPass: true);
}
