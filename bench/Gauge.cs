using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Cosmo.Bench
{
    /// <summary>
    /// Tells from inside a process what cannot be seen from outside: what it has allocated and what its managed heap holds. .NET runs it before the program where
    /// <c>DOTNET_STARTUP_HOOKS</c> names this assembly; it costs nothing but a thread that waits. Nothing but the framework may be used here.
    /// </summary>
    internal static class Gauge
    {
        private const string FolderVariable = "COSMO_BENCH_GAUGES";

        /// <summary>Has each process of .NET that is started with this environment open one.</summary>
        public static void AddTo(IDictionary<string, string?> environment, string folder)
        {
            environment[FolderVariable] = folder;
            environment["DOTNET_STARTUP_HOOKS"] = typeof(Gauge).Assembly.Location;
        }

        public static void Open()
        {
            if (Environment.GetEnvironmentVariable(FolderVariable) is not { } folder)
            {
                return;
            }

            var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(At(folder, Environment.ProcessId));
            listener.Listen();
            new Thread(() => Serve(listener)) { IsBackground = true, Name = "Gauge" }.Start();
        }

        /// <summary>Bytes that the process has allocated since it began, to the byte; and bytes of its heap.</summary>
        /// <param name="folder">Where the gauges are.</param>
        /// <param name="process">The process.</param>
        /// <param name="collects">Whether garbage is collected first, so that the heap is what is alive. It stops the process meanwhile.</param>
        public static (long Allocated, long Heap) Read(string folder, int process, bool collects)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(At(folder, process));
            socket.Send([(byte)(collects ? 1 : 0)]);
            var answer = new byte[64];
            var length = 0;
            for (var read = -1; read != 0; length += read)
            {
                read = socket.Receive(answer, length, answer.Length - length, SocketFlags.None);
            }

            var numbers = Encoding.ASCII.GetString(answer, 0, length).Split(' ');
            return (long.Parse(numbers[0], CultureInfo.InvariantCulture), long.Parse(numbers[1], CultureInfo.InvariantCulture));
        }

        private static void Serve(Socket listener)
        {
            var asked = new byte[1];
            while (true)
            {
                using var caller = listener.Accept();
                try
                {
                    caller.Receive(asked);
                    if (asked[0] == 1)
                    {
                        GC.Collect();
                        GC.WaitForPendingFinalizers();
                        GC.Collect();
                    }

                    caller.Send(Encoding.ASCII.GetBytes(FormattableString.Invariant($"{GC.GetTotalAllocatedBytes(precise: true)} {GC.GetTotalMemory(forceFullCollection: false)}")));
                }
                catch (SocketException)
                {
                    // Whoever asked is gone.
                }
            }
        }

        private static UnixDomainSocketEndPoint At(string folder, int process) => new(Path.Combine(folder, process.ToString(CultureInfo.InvariantCulture)));
    }
}

/// <summary>The name and the place are .NET's.</summary>
internal static class StartupHook
{
    public static void Initialize() => Cosmo.Bench.Gauge.Open();
}
