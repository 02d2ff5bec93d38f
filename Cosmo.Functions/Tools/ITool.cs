using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tools;

/// <summary>Something that the assistant can have done. Names, parameters and result fields are the wire contract's (section 4).</summary>
internal interface ITool
{
    /// <summary>The role that even a stranger has.</summary>
    const string Anyone = "anyone";

    /// <summary>The function's name, as the model calls it.</summary>
    string Name { get; }

    /// <summary>When and how to use it, for the model.</summary>
    string Description { get; }

    /// <summary>The JSON schema of the arguments.</summary>
    JsonNode Parameters { get; }

    /// <summary>Whether the settings that the tool needs are there; a tool without them is not offered.</summary>
    bool IsConfigured => true;

    /// <summary>Who may have it used: callers with one of the roles, <see cref="Anyone"/>, or, where none is named, any signed-in user. A setting overrides it.</summary>
    IReadOnlyList<string> Roles => [];

    /// <summary>Whether a call changes nothing, so that it may be repeated. Of another tool each call is made once only, also over a crash.</summary>
    bool IsReadOnly => true;

    /// <summary>Whether a person has to say yes before it is carried out.</summary>
    bool RequiresApproval => false;

    /// <summary>Whether the schema is one that OpenAI's strict mode takes.</summary>
    bool IsStrict => true;

    /// <summary>How long a call may take, in the place of the setting for all.</summary>
    TimeSpan? TimeLimit => null;

    /// <summary>The tool as it is just now; null while the server that has it is away.</summary>
    ITool? Current => this;

    /// <summary>
    /// Runs the tool. The arguments are what the model wrote: read them strictly. The call id is unique to the call and the same when it is repeated.
    /// Throws <see cref="ToolException"/> with a text for the model.
    /// </summary>
    Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken);
}

/// <summary>A tool could not do its work. The message goes to the model: short, without secrets, something it can act on.</summary>
internal sealed class ToolException(string message, Exception? innerException = null) : Exception(message, innerException);
