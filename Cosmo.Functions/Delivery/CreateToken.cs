using System.Text.Json;
using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Gives a host application's back end the address of a channel for a user whom it has checked itself: <c>{"user": {"id": "…", "roles": ["…"]}}</c>. It
/// hands the address on to its page.
/// </summary>
internal sealed class CreateToken(ConnectionAddresses addresses)
{
    private const int MostBytes = 65_536;

    [Function(nameof(CreateToken))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "channels/{channel}/tokens")] HttpRequest request,
        string channel,
        FunctionContext context)
    {
        if (!RouteName.TryRead(channel, out var name))
        {
            return RouteName.NotAChannel;
        }

        if (await request.ReadAsync(MostBytes, context.CancellationToken) is not { } body)
        {
            return HttpAnswers.Problem(StatusCodes.Status413PayloadTooLarge, "Too long", $"At most {MostBytes} bytes are taken.");
        }

        return ReadUser(body) is { } user
            ? await addresses.AnswerAsync(name, user, ConnectionIdentity.Backend, context.CancellationToken)
            : HttpAnswers.Problem(
                StatusCodes.Status400BadRequest,
                "Not a user",
                $"The body must be {{\"user\": {{\"id\": …, \"roles\": […]}}}}: an id of 1 to {ChatMessageReader.MaxIdLength} characters, and roles, if any, as strings.");
    }

    /// <summary>Unlike a producer's, a user here is somebody: a mistake must not make a stranger of one.</summary>
    private static Caller? ReadUser(byte[] body) =>
        ForeignJson.TryRead(body, out var root, out _)
        && root.Pick("user").TryGetValue("user", out var sent)
        && ChatMessageReader.ReadUser(sent) is { IsSignedIn: true } user
        && (!sent.Pick("roles").TryGetValue("roles", out var roles) || (roles.Kind == JsonValueKind.Array && roles.Elements().Count() == user.Roles.Count))
            ? user
            : null;
}
