using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Cosmo.Local.Host.Http;
using Cosmo.Local.Host.Queues;
using Cosmo.Local.Host.Timers;

namespace Cosmo.Local.Host.Functions;

/// <summary>The functions that the host serves, by trigger. Reading them finds what else would fail when they are first started.</summary>
internal sealed partial class FunctionIndex
{
    private static readonly FrozenSet<string> Triggers = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "httpTrigger", "rabbitMQTrigger", "timerTrigger", "orchestrationTrigger", "activityTrigger", "entityTrigger");

    private static readonly FrozenSet<string> OtherBindings = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "http", "durableClient");

    private readonly List<FunctionDefinition> _functions = [];
    private readonly List<HttpFunction> _http = [];
    private readonly List<QueueFunction> _queues = [];
    private readonly List<TimerFunction> _timers = [];

    private FunctionIndex()
    {
    }

    /// <summary>All of them, those of Durable too.</summary>
    public IReadOnlyList<FunctionDefinition> Functions => _functions;

    public IReadOnlyList<HttpFunction> Http => _http;

    public IReadOnlyList<QueueFunction> Queues => _queues;

    public IReadOnlyList<TimerFunction> Timers => _timers;

    /// <summary>Takes the functions of a worker that no setting disables.</summary>
    /// <exception cref="StartupException">One line for each fault of any function.</exception>
    public static FunctionIndex Read(IEnumerable<FunctionDefinition> functions, IConfiguration settings)
    {
        var index = new FunctionIndex();
        var faults = new List<string>();
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var function in functions.Where(function => !settings.Disables(function)))
        {
            try
            {
                CheckName(function.Name);
                if (!names.Add(function.Name))
                {
                    throw new StartupException($"Function '{function.Name}' is there twice; rename one.");
                }

                CheckBindings(function);
                index.Add(function, settings);
            }
            catch (StartupException fault)
            {
                faults.Add(fault.Message);
            }
        }

        faults.AddRange(HttpFunction.Clashes(index.Http));
        return faults.Count == 0 ? index : throw new StartupException(string.Join(Environment.NewLine, faults));
    }

    /// <summary>One line a function: its name and how it is started.</summary>
    public IEnumerable<string> Lines(string routePrefix) =>
    [
        .. _http.Select(function => $"{function.Function.Name}: [{string.Join(',', function.Methods ?? ["ANY"])}] /{function.Path(routePrefix)}"),
        .. _queues.Select(function => $"{function.Function.Name}: rabbitMQTrigger {function.Queue}"),
        .. _timers.Select(function => $"{function.Function.Name}: timerTrigger {function.Schedule}"),
        .. _functions.Where(function => IsDurable(function.Trigger)).Select(function => $"{function.Name}: {function.Trigger.Type}"),
    ];

    private static bool IsDurable(FunctionBinding trigger) => trigger.Is("orchestrationTrigger") || trigger.Is("activityTrigger") || trigger.Is("entityTrigger");

    private static void CheckName(string name)
    {
        if (!AllowedName().IsMatch(name))
        {
            throw new StartupException(
                $"The function name '{name}' is not valid; it must begin with a letter, hold at most 128 letters, digits, '_' and '-', and not be 'host'.");
        }
    }

    private static void CheckBindings(FunctionDefinition function)
    {
        var triggers = function.Bindings.Count(binding => binding.IsTrigger);
        if (triggers != 1)
        {
            throw new StartupException(
                triggers == 0
                    ? $"Function '{function.Name}' has no trigger; give one of its parameters a trigger attribute."
                    : $"Function '{function.Name}' has {triggers} triggers; a function has exactly one.");
        }

        if (function.Bindings.FirstOrDefault(binding => !(binding.IsTrigger ? Triggers : OtherBindings).Contains(binding.Type)) is { } unknown)
        {
            throw new StartupException(
                $"Function '{function.Name}' has a binding of the type '{unknown.Type}', which this host does not know; it knows {string.Join(", ", Triggers.Concat(OtherBindings).Order())}.");
        }

        if (function.Retry is not null && !function.Trigger.Is("timerTrigger"))
        {
            throw new StartupException($"Function '{function.Name}' has a retry attribute, which its trigger does not allow; take it away or use it on a timer.");
        }
    }

    private void Add(FunctionDefinition function, IConfiguration settings)
    {
        if (function.Trigger.Is("httpTrigger"))
        {
            _http.Add(HttpFunction.Read(function));
        }
        else if (function.Trigger.Is("rabbitMQTrigger"))
        {
            _queues.Add(QueueFunction.Read(function, settings));
        }
        else if (function.Trigger.Is("timerTrigger"))
        {
            _timers.Add(TimerFunction.Read(function, settings));
        }

        _functions.Add(function);
    }

    [GeneratedRegex(@"^(?!host\z)[A-Z][A-Z0-9_-]{0,127}\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AllowedName();
}
