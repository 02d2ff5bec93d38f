using System.Collections;
using System.Diagnostics;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>
/// What cannot be seen of a worker from outside: its managed heap, and how much stands in the lists and dictionaries of the app's singletons. .NET runs it in the
/// worker before the app (<see cref="StartupHook"/>), so only the framework may be used in what runs there.
/// </summary>
internal sealed class WorkerGauge(string path) : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
{
    public const string PathVariable = "COSMO_TEST_GAUGE";

    private const string App = "Cosmo.Functions";
    private const BindingFlags Fields = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>Settings that have the worker open a gauge.</summary>
    public static Dictionary<string, string> SettingsAt(string path) => new()
    {
        ["DOTNET_STARTUP_HOOKS"] = typeof(WorkerGauge).Assembly.Location,
        [PathVariable] = path,
    };

    /// <summary>Collects the worker's garbage and looks at what is left.</summary>
    public static async Task<Reading> ReadAsync(string path, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        await using var stream = new NetworkStream(socket);
        return (await JsonSerializer.DeserializeAsync<Reading>(stream, cancellationToken: cancellationToken))!;
    }

    /// <summary>Waits, in the worker, for the app to be built.</summary>
    public void Open() => DiagnosticListener.AllListeners.Subscribe(this);

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "Microsoft.Extensions.Hosting")
        {
            value.Subscribe(this);
        }
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value is { Key: "HostBuilt", Value: { } host })
        {
            var services = (IServiceProvider)host.GetType().GetProperty("Services")!.GetValue(host)!;
            File.Delete(path);
            var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            new Thread(() => Serve(listener, services)) { IsBackground = true, Name = "Gauge" }.Start();
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    private static void Serve(Socket listener, IServiceProvider services)
    {
        while (true)
        {
            using var caller = listener.Accept();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            var heap = GC.GetTotalMemory(forceFullCollection: true);
            caller.Send(JsonSerializer.SerializeToUtf8Bytes(new Reading(Environment.ProcessId, heap, Count(services))));
        }
    }

    private static SortedDictionary<string, int> Count(IServiceProvider services)
    {
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach (var one in Singletons(services))
        {
            Visit(one);
        }

        return counts;

        void Visit(object? one)
        {
            if (one is null || one.GetType().Assembly.GetName().Name != App || !seen.Add(one))
            {
                return;
            }

            for (var type = one.GetType(); type is not null && type.Assembly.GetName().Name == App; type = type.BaseType)
            {
                foreach (var field in type.GetFields(Fields).Where(field => !field.IsLiteral))
                {
                    var value = field.GetValue(one);
                    if (value is not string and not null && value.GetType().GetProperty("Count", typeof(int)) is { } count)
                    {
                        var name = $"{type.FullName}.{field.Name}";
                        counts[name] = counts.GetValueOrDefault(name) + (int)count.GetValue(value)!;
                    }

                    Visit(value);
                }
            }
        }
    }

    /// <summary>The app's own, and what runs in its background. What is registered the container keeps to itself.</summary>
    private static IEnumerable<object?> Singletons(IServiceProvider services)
    {
        const BindingFlags any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;
        var factory = services.GetType().GetProperty("CallSiteFactory", any)!.GetValue(services)!;
        var registered = (IEnumerable)factory.GetType().GetProperty("Descriptors", any)!.GetValue(factory)!;
        return registered.Cast<object>()
            .Where(one => Get(one, "Lifetime")!.ToString() == "Singleton" && !(bool)Get(one, "IsKeyedService")!)
            .Select(one => (Type)Get(one, "ServiceType")!)
            .Where(type => !type.ContainsGenericParameters && (type.Assembly.GetName().Name == App || type.Name == "IHostedService"))
            .Distinct()
            .SelectMany(type => ((IEnumerable)services.GetService(typeof(IEnumerable<>).MakeGenericType(type))!).Cast<object?>());

        static object? Get(object descriptor, string name) => descriptor.GetType().GetProperty(name)!.GetValue(descriptor);
    }

    /// <param name="Process">The worker's id.</param>
    /// <param name="Heap">Bytes that are alive.</param>
    /// <param name="Counts">How much stands in each list or dictionary, by the field that holds it.</param>
    public sealed record Reading(int Process, long Heap, SortedDictionary<string, int> Counts);
}
