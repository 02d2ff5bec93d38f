using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tools.Files;

/// <summary>A tool, or the tools of a server, as a file declares them.</summary>
/// <param name="Name">The file's name without its ending.</param>
/// <param name="Roles">Who may have it used, as <see cref="ITool.Roles"/> has it.</param>
/// <param name="RequiresApproval">Whether a person has to say yes to each call.</param>
/// <param name="IsReadOnly">Null: the method, or the server, says.</param>
/// <param name="AllowsPrivate">Whether private, link-local and loopback addresses may be connected to.</param>
/// <param name="TimeLimit">Null: the setting for all tools.</param>
/// <param name="Headers">Sent with every request; settings have been put in.</param>
/// <param name="Http">One request; null where there is a server.</param>
/// <param name="Mcp">A server with tools; null where there is a request.</param>
/// <param name="Secrets">The values of the settings that the file names.</param>
internal sealed record ToolFile(
    string Name,
    IReadOnlyList<string> Roles,
    bool RequiresApproval,
    bool? IsReadOnly,
    bool AllowsPrivate,
    TimeSpan? TimeLimit,
    IReadOnlyList<KeyValuePair<string, string>> Headers,
    HttpDefinition? Http,
    McpDefinition? Mcp,
    Secrets Secrets);

/// <param name="Description">When and how to use it, for the model.</param>
/// <param name="Parameters">The JSON schema of the arguments.</param>
/// <param name="Method">GET, POST, PUT, PATCH or DELETE.</param>
/// <param name="Url">Its arguments are encoded; none stands before the path.</param>
/// <param name="Query">What is added to the address; left out where an argument is null.</param>
/// <param name="Body">Makes the JSON that is sent, or null for none.</param>
/// <param name="Result">What of the answer the model is given.</param>
internal sealed record HttpDefinition(
    string Description,
    JsonObject Parameters,
    HttpMethod Method,
    Template Url,
    IReadOnlyList<KeyValuePair<string, Template>> Query,
    Func<JsonElement, JsonNode?>? Body,
    JsonPointer Result);

/// <param name="Url">Where the server is, by streamable HTTP.</param>
/// <param name="Tools">Which of its tools are offered.</param>
internal sealed record McpDefinition(Uri Url, IReadOnlyList<string> Tools);
