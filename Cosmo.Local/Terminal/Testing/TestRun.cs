using System.Diagnostics;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Brokers;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>One run of the tests.</summary>
/// <param name="root">The repository.</param>
/// <param name="filter">Arguments of the test runner; empty for all tests.</param>
/// <param name="output">Gets what the runners write, and the count.</param>
/// <param name="error">Gets what is wrong.</param>
internal sealed class TestRun(string root, IReadOnlyList<string> filter, TextWriter output, TextWriter error)
{
    private const string Suffix = ".Tests";
    private const string Client = "Cosmo.Client";
    private const string Page = $"{Client}/page";

    /// <summary>The trait of the minute of faults, which bears no crowd and leaves half of the processors idle.</summary>
    private const string Faults = "kind=faults";

    private const string Chromium = "Chromium";

    /// <summary>Chromium without what a person would see: half of the processor time. A whole one will do.</summary>
    private const string Shell = "chromium-headless-shell";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>What the tests need beside .NET: a program or folder that shows that it is there, and Debian's packages that bring it.</summary>
    private static readonly (string Title, Func<bool> IsThere, string[] Packages)[] Needs =
    [
        ("Redis", () => Programs.Find("redis-server") is not null, ["redis-server"]),
        ("RabbitMQ", () => Programs.Find("rabbitmq-server") is not null, ["rabbitmq-server"]),
        ("Node.js with npm", () => Programs.Find("node") is not null && Programs.Find("npm") is not null, ["nodejs", "npm"]),
        (Chromium, () => Programs.Find(Shell) is not null, [Shell]),
        ("PostgreSQL", () => Directory.Exists("/usr/lib/postgresql"), ["postgresql"]),
        ("Python 3 with its Redis client", () => Succeeds("/usr/bin/python3", "-c", "import redis"), ["python3-redis"]),
    ];

    private static string? Browser => System.Environment.GetEnvironmentVariable("CHROMIUM") ?? Programs.Find(Shell) ?? Programs.Find("chromium");

    private readonly string _scratch = Directory.CreateTempSubdirectory("cosmo-test-").FullName;
    private int _runs;

    /// <summary>The brokers that do not answer are taken out of the environment of the tests, which then start their own; so is the repository, for they are about any.</summary>
    public Dictionary<string, string?> Environment { get; } = new()
    {
        ["COSMO_ROOT"] = null,

        // In hexadecimal: what runs less than ten thousand times is not compiled once more, which most of the tests' code is not worth, nor are some hundred processes that live for seconds.
        ["DOTNET_TC_CallCountThreshold"] = "2710",
        ["DOTNET_EnableWriteXorExecute"] = "0",

        // Of the compilers that tests start.
        ["DOTNET_TieredPGO"] = "0",
    };

    /// <summary>How long all of it may take.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(13.5);

    /// <summary>Runs to its end, or to a signal's.</summary>
    /// <inheritdoc cref="RunAsync(CancellationToken)" path="/returns|/exception" />
    public async Task<int> RunUntilSignalAsync()
    {
        using var signals = new StopSignals();
        var ended = await RunAsync(signals.Token);
        return signals.Token.IsCancellationRequested ? signals.ExitCode is 0 ? 143 : signals.ExitCode : ended;
    }

    /// <returns>The exit code.</returns>
    /// <exception cref="TerminalException">What the tests need is not there.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            await CheckBrokersAsync(limit.Token);
            var count = filter.Count == 0 ? await RunAllAsync(limit.Token) : await RunProjectsAsync(filter, mayBeEmpty: true, limit.Token);
            if (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                await error.WriteLineAsync($"All tests together have {Limit.TotalMinutes} minutes.");
            }
            else if (count.Total == 0)
            {
                await error.WriteLineAsync(filter.Count == 0
                    ? "There are no tests."
                    : $"No test matches {string.Join(' ', filter)}. A class is named by the end of its name, as in: cosmo test OpenApiTests");
            }

            await output.WriteLineAsync($"Took {Stopwatch.GetElapsedTime(began).TotalSeconds:0} seconds.");
            await output.WriteLineAsync(count.ToString());
            return count is { Failed: 0, Passed: > 0 } ? ExitCodes.Done : ExitCodes.Failed;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TerminalException(ExitCodes.Failed, $"What the tests need was not there within {Limit.TotalMinutes} minutes.");
        }
        finally
        {
            Directory.Delete(_scratch, recursive: true);
        }
    }

    /// <summary>
    /// Every project of tests that has been built, the client package and the page. First what waits more than it works: the minute of faults, and beside it random
    /// inputs, the packages of Node, the page, which the tests in a browser need, and what is in TypeScript. Then all others, as many at once as the processors bear.
    /// </summary>
    private async Task<TestCount> RunAllAsync(CancellationToken cancellationToken)
    {
        await ProvideProgramsAsync(cancellationToken);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var beside = Task.WhenAll(
            RunProjectsAsync(["-trait", Faults], mayBeEmpty: true, stopping.Token),
            RunProjectsAsync(["-trait", FuzzCommand.Trait], mayBeEmpty: true, stopping.Token));
        TestCount scripts;
        try
        {
            scripts = await RunTypeScriptAsync(stopping.Token);
        }
        catch
        {
            // Without the packages of Node, nothing counts.
            await stopping.CancelAsync();
            await beside;
            throw;
        }

        return (await beside).Aggregate(scripts, (sum, count) => sum + count)
            + await RunProjectsAsync(["-trait-", Faults, "-trait-", FuzzCommand.Trait], mayBeEmpty: false, cancellationToken);
    }

    private async Task<TestCount> RunProjectsAsync(IReadOnlyList<string> wanted, bool mayBeEmpty, CancellationToken limit)
    {
        var sum = default(TestCount);
        foreach (var project in Directory.GetDirectories(root, $"*{Suffix}").Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal))
        {
            var assembly = Path.Combine(root, project, "bin", "Release", "net10.0", $"{project}.dll");
            if (File.Exists(Path.Combine(root, project, $"{project}.csproj")) && File.Exists(assembly))
            {
                var report = Path.Combine(_scratch, $"{project}-{Interlocked.Increment(ref _runs)}.xml");
                var launch = Programs.Of(assembly, ["-noLogo", "-noColor", "-result-xml", report, .. wanted]) with { Folder = root, Environment = new Dictionary<string, string?>(Environment) { ["CHROMIUM"] = Browser } };
                sum += await RunSuiteAsync(project, launch, () => TestCount.Read(report), limit, mayBeEmpty);
                foreach (var line in filter.Count == 0 && TestCount.Read(report) is { Total: > 0 } ? ClassTimes.Describe(report).Concat(TestFailures.Describe(report)) : [])
                {
                    await output.WriteLineAsync(line);
                }
            }
        }

        return sum;
    }

    /// <summary>The packages in TypeScript, after what Node needs for all tests.</summary>
    private async Task<TestCount> RunTypeScriptAsync(CancellationToken limit)
    {
        await ProvideNodePackagesAsync(limit);
        return Directory.Exists(Path.Combine(root, Client))
            ? await BuildPageAsync(limit) + await RunTypeScriptAsync(Client, limit) + await RunTypeScriptAsync(Page, limit)
            : default;
    }

    /// <summary>A package in TypeScript: its types count as one test, which fails or is not mentioned.</summary>
    private async Task<TestCount> RunTypeScriptAsync(string package, CancellationToken limit)
    {
        var report = Path.Combine(_scratch, $"{Path.GetFileName(package)}.json");
        var types = await RunSuiteAsync($"{package} (types)", In(package, "typescript/bin/tsc", "-p", "tsconfig.json"), () => default(TestCount), limit);
        var tests = In(package, "vitest/vitest.mjs", "run", "--no-color", "--reporter=default", "--reporter=json", $"--outputFile.json={report}");
        return types + await RunSuiteAsync(package, tests, () => TestCount.ReadJson(report), limit);
    }

    /// <summary>As it is served; a build that fails is a failed test.</summary>
    private Task<TestCount> BuildPageAsync(CancellationToken limit) =>
        RunSuiteAsync($"{Page} (build)", In(Page, "vite/bin/vite.js", "build"), () => default(TestCount), limit);

    private Launch In(string package, string script, params string[] arguments)
    {
        var folder = Path.Combine(root, package);
        return new Launch("node", [Path.Combine(folder, "node_modules", script), .. arguments]) { Folder = folder };
    }

    /// <returns>The count of its report; one failure if there is none.</returns>
    private async Task<TestCount> RunSuiteAsync(string name, Launch launch, Func<TestCount?> read, CancellationToken limit, bool mayBeEmpty = false)
    {
        using var runner = ChildProcess.Start(launch, output.WriteLine);
        runner.Input.Close();
        await ((Task)runner.Ended).WaitAsync(limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Whatever the tests have left running, too; while it runs, there may be more to read.
        await runner.EndAsync(Grace);
        var exitCode = await runner.Ended;
        using var rest = new CancellationTokenSource(Grace);
        await runner.WaitForOutputAsync(rest.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (read() is { } count && (exitCode == 0 || count is { Failed: > 0 } || (count.Total == 0 && mayBeEmpty)))
        {
            return count;
        }

        await error.WriteLineAsync(limit.IsCancellationRequested ? $"{name} was ended." : $"{name} broke off with exit code {exitCode}.");
        return new TestCount(0, 1, 0);
    }

    private async Task CheckBrokersAsync(CancellationToken cancellationToken)
    {
        foreach (var setting in (AppSetting[])[AppSetting.RedisUrl, AppSetting.RabbitMQUrl])
        {
            if (System.Environment.GetEnvironmentVariable(setting.Name) is not { Length: > 0 } url)
            {
                continue;
            }

            Broker broker = setting == AppSetting.RedisUrl ? RedisBroker.At(url) : RabbitMQBroker.At(url);
            if ((await broker.AskAsync(cancellationToken)).State != BrokerState.Answers)
            {
                await output.WriteLineAsync($"{broker.Title} does not answer at {broker.Address.Host}:{broker.Address.Port} ({setting.Name}); the tests start their own.");
                Environment[setting.Name] = null;
            }
        }
    }

    private async Task ProvideProgramsAsync(CancellationToken cancellationToken)
    {
        var missing = Needs.Where(need => !need.IsThere()).ToList();
        if (missing.Count > 0)
        {
            await DebianPackages.TryInstallAsync(_scratch, [.. missing.SelectMany(need => need.Packages)], cancellationToken);
            missing.RemoveAll(need => need.IsThere() || (need.Title == Chromium && Browser is not null));
        }

        if (missing.Count > 0)
        {
            throw new TerminalException(ExitCodes.Failed,
                $"The tests need {string.Join(", ", missing.Select(need => need.Title))}. Install them (Debian: apt-get install {string.Join(' ', missing.SelectMany(need => need.Packages))}).");
        }
    }

    private Task ProvideNodePackagesAsync(CancellationToken cancellationToken)
    {
        string[] folders = [.. Directory.GetDirectories(root, $"*{Suffix}").Select(project => Path.Combine(project, "Node")), Path.Combine(root, Client), Path.Combine(root, Page)];
        return Task.WhenAll(folders.Where(LacksNodePackages).Select((folder, index) => InstallNodePackagesAsync(folder, $"npm-{index}.log", cancellationToken)));
    }

    private static bool Succeeds(string program, params string[] arguments)
    {
        if (!File.Exists(program))
        {
            return false;
        }

        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    /// <summary>Whether a lock has what a package is only tested with, which <c>./cosmo run</c> leaves out.</summary>
    private static bool NamesTools(FileInfo file) => File.ReadAllText(file.FullName).Contains("\"dev\": true", StringComparison.Ordinal);

    private static bool LacksNodePackages(string folder) =>
        NodePackages.Wanted(folder) is { Exists: true } wanted && !(NodePackages.AreCurrent(folder) && NamesTools(NodePackages.Installed(folder)) == NamesTools(wanted));

    private async Task InstallNodePackagesAsync(string folder, string logName, CancellationToken cancellationToken)
    {
        await output.WriteLineAsync($"Installing the Node packages of {Path.GetRelativePath(root, folder)}.");
        var log = Path.Combine(_scratch, logName);
        if (await LongStep.RunAsync(new Launch("npm", "ci", "--no-audit", "--no-fund") { Folder = folder }, log, cancellationToken) != 0)
        {
            throw LongStep.Explain(log, "npm could not install the Node packages of the tests; is there a network?");
        }
    }
}
