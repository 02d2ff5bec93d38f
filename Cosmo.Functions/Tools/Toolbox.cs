using System.Diagnostics;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools;

/// <summary>The tools that the assistant may ask for. It runs them within their limits.</summary>
internal sealed class Toolbox
{
    /// <summary>What the model is told where a call that is made once only may have been carried out.</summary>
    public const string OutcomeUnknown =
        "The outcome is unknown: it may or may not have been carried out. Do not call it again for this; tell the user so, and that somebody should check.";

    /// <summary>What the model is told of a call that nobody has approved.</summary>
    public const string NotApproved = """{"error":"This needs the approval of a person, and was not carried out. Tell the user so."}""";

    private const string NotLookedUp = "Tell the user that this could not be looked up right now.";

    private readonly Dictionary<string, ITool> _tools;
    private readonly ToolOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<Toolbox> _logger;

    /// <exception cref="OptionsValidationException">Roles are set for a tool that does not exist, or two tools have one name.</exception>
    public Toolbox(IEnumerable<ITool> tools, IOptions<ToolOptions> options, TimeProvider clock, ILogger<Toolbox> logger)
    {
        _options = options.Value;
        _clock = clock;
        _logger = logger;
        tools = [.. tools];
        string[] faults =
        [
            .. tools.GroupBy(tool => tool.Name, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1)
                .Select(same => $"{same.Count()} tools have the name {same.Key}; each needs a name of its own."),
            .. _options.Roles.Keys.Where(name => !tools.Any(tool => tool.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                .Select(name => $"Cosmo:Tools:Roles:{name} names no tool. The tools are: {string.Join(", ", tools.Select(tool => tool.Name).Order())}."),
        ];
        if (faults.Length > 0)
        {
            throw new OptionsValidationException(ToolOptions.Section, typeof(ToolOptions), faults);
        }

        Names = [.. tools.Select(tool => tool.Name).Order(StringComparer.Ordinal)];
        var configured = tools.ToLookup(tool => tool.IsConfigured);
        All = [.. configured[true].OrderBy(tool => tool.Name, StringComparer.Ordinal)];
        _tools = All.ToDictionary(tool => tool.Name, StringComparer.Ordinal);
        foreach (var missing in configured[false])
        {
            logger.NotOffered(missing.Name);
        }
    }

    /// <summary>All tools, in a stable order.</summary>
    public IReadOnlyList<ITool> All { get; }

    /// <summary>The names of all tools, also of those that lack a setting.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The tools that this caller may use just now, in a stable order.</summary>
    public IReadOnlyList<ITool> AvailableTo(Caller caller) => [.. All.Where(tool => IsAvailableTo(tool, caller)).Select(tool => tool.Current).OfType<ITool>()];

    /// <summary>Whether a person has to say yes before this caller has the tool carried out. What would be refused anyway needs none.</summary>
    public bool NeedsApproval(string name, Caller caller) => _tools.GetValueOrDefault(name) is { RequiresApproval: true } tool && IsAvailableTo(tool, caller);

    /// <summary>Whether a call of this tool may be repeated.</summary>
    public bool MayRepeat(string name) => _tools.GetValueOrDefault(name) is not { } tool || (tool.Current ?? tool).IsReadOnly;

    /// <summary>
    /// Runs a tool with the arguments that the model gave and returns its output as JSON text. It never throws but for
    /// <paramref name="cancellationToken"/>: an unknown tool, bad arguments, a failure, a time-out or too large an output
    /// become a short text without secrets, on which the model can act.
    /// </summary>
    /// <param name="name">The tool that the model asks for.</param>
    /// <param name="arguments">What the model wrote as its arguments.</param>
    /// <param name="caller">On whose behalf.</param>
    /// <param name="callId">Unique to the call, and the same when it is repeated.</param>
    /// <param name="isOffered">Which tools the model was offered, of those that the caller may use.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<ToolResult> ExecuteAsync(
        string name, string arguments, Caller caller, string callId, Func<string, bool> isOffered, CancellationToken cancellationToken)
    {
        var tool = isOffered(name) ? _tools.GetValueOrDefault(name) : null;
        name = tool?.Name ?? "unknown";
        TagList tags = [new("gen_ai.operation.name", "execute_tool"), new("gen_ai.tool.name", name)];
        using var span = Telemetry.Source.StartActivity(ActivityKind.Internal, tags: tags, name: $"execute_tool {name}");
        span?.SetTag("gen_ai.tool.type", "function").SetTag("gen_ai.tool.call.id", callId);
        var started = _clock.GetTimestamp();
        var outcome = "cancelled";
        try
        {
            (outcome, var output) = tool switch
            {
                null => Unknown(caller, isOffered),
                _ when !IsAvailableTo(tool, caller) => Denied(tool),
                { Current: { } current } => await RunAsync(current, arguments, caller, callId, cancellationToken),
                _ => ("away", Error("The server that does this cannot be reached right now. Tell the user to try again later.")),
            };
            return new ToolResult(
                outcome switch
                {
                    "completed" => ToolState.Done,
                    "refused" or "unknown" or "denied" => ToolState.Refused,
                    _ => ToolState.Failed,
                },
                OutputLimit.Apply(output, _options.MaxOutputBytes));
        }
        finally
        {
            span?.SetTag("cosmo.tool.outcome", outcome);
            tags.Add("cosmo.tool.outcome", outcome);
            if (outcome is "failed" or "timeout" or "away")
            {
                tags.Add("error.type", outcome);
                span.Fail(outcome);
            }

            Telemetry.ToolDuration.Record(_clock.GetElapsedTime(started).TotalSeconds, tags);
        }
    }

    private bool IsAvailableTo(ITool tool, Caller caller)
    {
        var roles = _options.Roles.TryGetValue(tool.Name, out var set)
            ? (set ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : tool.Roles;
        return (caller.IsTrustedProducer && _options.TrustProducers)
            || ((caller.IsSignedIn || !tool.RequiresApproval) && (roles.Count == 0 ? caller.IsSignedIn : roles.Any(role => Same(role, ITool.Anyone) || caller.Roles.Any(own => Same(role, own)))));

        static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
    }

    private async Task<(string Outcome, string Output)> RunAsync(
        ITool tool, string arguments, Caller caller, string callId, CancellationToken cancellationToken)
    {
        var time = tool.TimeLimit ?? TimeSpan.FromSeconds(_options.TimeLimitSeconds);
        using var limit = new TimeLimit(time, _clock, cancellationToken);
        try
        {
            // On a thread of its own and not waited for longer than the limit: a database driver may block, or not heed the token.
            var result = await Task.Run(() => tool.ExecuteAsync(ToolArguments.Parse(arguments), caller, callId, limit.Token), limit.Token)
                .WaitAsync(limit.Token);
            return ("completed", result.ToJsonString(ToolJson.Options));
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (ToolException exception)
        {
            _logger.Refused(tool.Name, exception.Message, exception.InnerException);
            return ("refused", Error(exception.Message));
        }
        catch (Exception) when (limit.IsOver)
        {
            _logger.TimedOut(tool.Name, time.TotalSeconds);
            return ("timeout", Error($"The tool took too long and was stopped. {(tool.IsReadOnly ? NotLookedUp : OutcomeUnknown)}"));
        }
        catch (Exception exception)
        {
            _logger.Failed(tool.Name, exception);
            return ("failed", Error($"The tool failed for an internal reason. {(tool.IsReadOnly ? NotLookedUp : OutcomeUnknown)}"));
        }
    }

    private (string Outcome, string Output) Unknown(Caller caller, Func<string, bool> isOffered)
    {
        _logger.Unknown();
        var names = string.Join(", ", AvailableTo(caller).Select(available => available.Name).Where(isOffered));
        return ("unknown", Error($"There is no such tool for this user. The tools are: {(names.Length > 0 ? names : "none")}."));
    }

    private (string Outcome, string Output) Denied(ITool tool)
    {
        _logger.Denied(tool.Name);
        return ("denied", Error("Looking this up needs a permission that is missing here; an administrator can grant it. Tell the user so politely."));
    }

    private static string Error(string text) => new JsonObject { ["error"] = text }.ToJsonString(ToolJson.Options);
}

/// <summary>How a call ended.</summary>
internal enum ToolState
{
    Done,

    /// <summary>It did not work, or nobody knows whether it did.</summary>
    Failed,

    /// <summary>It was not made: the arguments, the tool or the right to it are wanting.</summary>
    Refused,
}

/// <param name="State">How it ended.</param>
/// <param name="Output">What the model is told.</param>
internal readonly record struct ToolResult(ToolState State, string Output);
