using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools.Audit;

/// <summary>The role of a user.</summary>
internal sealed class GetUserRole(PersonalData people, IOptions<ToolOptions> options) : Tool<EmailArguments, GetUserRoleResult>
{
    private const string Service = "the service for user roles";

    private readonly ApiOptions _api = options.Value.UserRoleApi;

    public override string Name => "get_user_role";

    public override string Description => "Gets the role of a user by e-mail address.";

    public override bool IsConfigured => people.IsConfigured(_api);

    public override IReadOnlyList<string> Roles => PersonalData.Roles;

    protected override async Task<GetUserRoleResult> ExecuteAsync(EmailArguments arguments, CancellationToken cancellationToken)
    {
        var role = await people.GetAsync(Service, _api, arguments, rest: "/role", cancellationToken);
        return new GetUserRoleResult(
            role.ToNode(), arguments.Email.Trim(), role.Kind is JsonValueKind.Null ? "The service knows the user but names no role. Tell the user so." : null);
    }
}

/// <param name="UserRole">As the service has it: a text or an object.</param>
/// <param name="Note">What the model has to know when there is no role.</param>
internal sealed record GetUserRoleResult(
    JsonNode? UserRole, string Email, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);
