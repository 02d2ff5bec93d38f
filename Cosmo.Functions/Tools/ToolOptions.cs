using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Tools;

/// <summary>Limits of every tool, and access to the services that know people. Section <c>Cosmo:Tools</c>.</summary>
internal sealed class ToolOptions : IValidatableObject
{
    public const string Section = "Cosmo:Tools";

    /// <summary>How long one call of a tool may take, in seconds: 0.1 to 300, default 20.</summary>
    [Range(0.1, 300, ErrorMessage = "Cosmo:Tools:TimeLimitSeconds must lie between 0.1 and 300.")]
    public double TimeLimitSeconds { get; set; } = 20;

    /// <summary>The longest output that the model is given, in bytes: 1,024 to 1,048,576, default 16,384. What is longer is cut.</summary>
    [Range(1024, 1_048_576, ErrorMessage = "Cosmo:Tools:MaxOutputBytes must lie between 1024 and 1048576.")]
    public int MaxOutputBytes { get; set; } = 16_384;

    /// <summary>A folder of files that declare tools, beside <c>Tools</c> next to the app; a path that is not absolute begins at the app.</summary>
    public string? Path { get; set; }

    /// <summary>How often an MCP server is asked for its list of tools, in seconds: 1 to 86,400, default 300.</summary>
    [Range(1, 86_400, ErrorMessage = "Cosmo:Tools:McpRefreshSeconds must lie between 1 and 86400.")]
    public int McpRefreshSeconds { get; set; } = 300;

    /// <summary>The key of the services for audit logs and user roles, sent as <c>x-api-key</c>.</summary>
    public string? ApiKey { get; set; }

    /// <summary>
    /// Whether a message of a producer that names no user may use every tool, as with the old worker: its producers ask their users themselves. Default true.
    /// </summary>
    public bool TrustProducers { get; set; } = true;

    /// <summary>
    /// Who may use a tool, by its name, in the place of the roles that it asks for itself: roles, comma-separated; <c>anyone</c>; or nothing for any signed-in
    /// user.
    /// </summary>
    public Dictionary<string, string?> Roles { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Audit logs: <c>{BaseUrl}/{email}</c>.</summary>
    public ApiOptions AuditApi { get; set; } = new();

    /// <summary>User roles: <c>{BaseUrl}/{email}/role</c>.</summary>
    public ApiOptions UserRoleApi { get; set; } = new();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!AuditApi.IsValid)
        {
            yield return new("Cosmo:Tools:AuditApi:BaseUrl (AUDIT_API_URL) must be an http or https address without a user name, a query or a fragment.");
        }

        if (!UserRoleApi.IsValid)
        {
            yield return new("Cosmo:Tools:UserRoleApi:BaseUrl (USER_ROLE_API_URL) must be an http or https address without a user name, a query or a fragment.");
        }
    }
}
