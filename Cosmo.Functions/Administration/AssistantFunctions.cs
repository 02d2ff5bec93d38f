using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Tools;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration;

/// <summary>The assistant's profile, whose id stands in Redis: look, make it if it is not there, delete it.</summary>
internal sealed class AssistantFunctions(ProfileCatalog profiles, AssistantProfileStore store, Toolbox toolbox, ILogger<AssistantFunctions> logger)
{
    [Function("GetAssistant")]
    public Task<IActionResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "assistant")] HttpRequest request, FunctionContext context) =>
        Guard.RunAsync(
            logger, async () => await store.FindAsync(context.CancellationToken) is { } id ? HttpAnswers.Json(Describe(id)) : NoAssistant());

    [Function("CreateAssistant")]
    public Task<IActionResult> CreateAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "post", Route = "assistant")] HttpRequest request, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            var before = await store.FindAsync(context.CancellationToken);
            var id = await store.SaveAsync(context.CancellationToken);
            return before == id
                ? HttpAnswers.Json(Describe(id))
                : HttpAnswers.Json(Describe(id), StatusCodes.Status201Created, request, HttpAnswers.Link(request, "assistant", "assistant"));
        });

    /// <summary>With <c>id</c> only if it is that one.</summary>
    [Function("DeleteAssistant")]
    public Task<IActionResult> DeleteAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "delete", Route = "assistant")] HttpRequest request, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            var confirmation = Confirmations.Of(request);
            if (confirmation is Confirmation.Wrong)
            {
                return Confirmations.NotConfirmed;
            }

            var wanted = request.Query["id"].ToString();
            var id = await store.FindAsync(context.CancellationToken);
            if (id is null || (wanted.Length > 0 && wanted != id))
            {
                return NoAssistant();
            }

            return confirmation is Confirmation.Given && !await store.DeleteAsync(id, context.CancellationToken)
                ? NoAssistant()
                : HttpAnswers.Json(new { DryRun = confirmation is Confirmation.None, Id = id });
        });

    private static IActionResult NoAssistant() =>
        HttpAnswers.Problem(StatusCodes.Status404NotFound, "No such assistant", "No assistant with this id is stored; POST assistant stores the one in use.");

    private object Describe(string id) =>
        new { Id = id, IsCurrent = id == profiles.Id, profiles.BuiltIn.Model, Tools = toolbox.All.Select(tool => tool.Name).Where(profiles.BuiltIn.Has), profiles.BuiltIn.Instructions };
}
