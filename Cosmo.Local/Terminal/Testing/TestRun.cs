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

    /// <summary>The trait of tests that bear no crowd. They have a run of their own, behind the others and beside the TypeScript: neither takes the processors alone.</summary>
    private const string Alone = "runs=alone";

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>What the tests need beside .NET: a program or folder that shows that it is there, and Debian's packages that bring it.</summary>
    private static readonly (string Title, Func<bool> IsThere, string[] Packages)[] Needs =
    [
        ("Redis", () => Programs.Find("redis-server") is not null, ["redis-server"]),
        ("RabbitMQ", () => Programs.Find("rabbitmq-server") is not null, ["rabbitmq-server"]),
        ("Node.js with npm", () => Programs.Find("node") is not null && Programs.Find("npm") is not null, ["nodejs", "npm"]),
        ("Chromium", () => Programs.Find("chromium") is not null, ["chromium"]),
        ("PostgreSQL", () => Directory.Exists("/usr/lib/postgresql"), ["postgresql"]),
        ("Python 3 with its Redis client", () => Succeeds("/usr/bin/python3", "-c", "import redis"), ["python3-redis"]),
    ];

    private readonly string _scratch = Directory.CreateTempSubdirectory("cosmo-test-").FullName;

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
            if (filter.Count == 0)
            {
                await ProvideAsync(limit.Token);
            }

            var count = await RunSuitesAsync(limit.Token);
            if (count.Total == 0)
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

    /// <summary>Every project of tests that has been built and, unless classes of those are named, the client package and the page, which the tests in a browser need first.</summary>
    private async Task<TestCount> RunSuitesAsync(CancellationToken limit)
    {
        if (filter.Count > 0)
        {
            return await RunProjectsAsync(filter, mayBeEmpty: true, limit);
        }

        var hasClient = Directory.Exists(Path.Combine(root, Client));
        var sum = hasClient ? await BuildPageAsync(limit) : default;
        sum += await RunProjectsAsync(["-trait-", Alone], mayBeEmpty: false, limit);
        var scripts = hasClient ? RunTypeScriptAsync(limit) : Task.FromResult<TestCount>(default);
        sum += await RunProjectsAsync(["-trait", Alone], mayBeEmpty: true, limit);
        return sum + await scripts;
    }

    private async Task<TestCount> RunProjectsAsync(IReadOnlyList<string> wanted, bool mayBeEmpty, CancellationToken limit)
    {
        var sum = default(TestCount);
        foreach (var project in Directory.GetDirectories(root, $"*{Suffix}").Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal))
        {
            var assembly = Path.Combine(root, project, "bin", "Release", "net10.0", $"{project}.dll");
            if (File.Exists(Path.Combine(root, project, $"{project}.csproj")) && File.Exists(assembly))
            {
                var report = Path.Combine(_scratch, $"{project}.xml");
                File.Delete(report);
                var launch = Programs.Of(assembly, ["-noLogo", "-noColor", "-result-xml", report, .. wanted]) with { Folder = root, Environment = Environment };
                sum += await RunSuiteAsync(project, launch, () => TestCount.Read(report), limit, mayBeEmpty);
                foreach (var line in filter.Count == 0 && TestCount.Read(report) is { Total: > 0 } ? ClassTimes.Describe(report).Concat(TestFailures.Describe(report)) : [])
                {
                    await output.WriteLineAsync(line);
                }
            }
        }

        return sum;
    }

    /// <summary>The packages in TypeScript.</summary>
    private async Task<TestCount> RunTypeScriptAsync(CancellationToken limit) => await RunTypeScriptAsync(Client, limit) + await RunTypeScriptAsync(Page, limit);

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

        await error.WriteLineAsync(limit.IsCancellationRequested
            ? $"{name} was ended; all tests together have {Limit.TotalMinutes} minutes."
            : $"{name} broke off with exit code {exitCode}.");
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

    /// <summary>What all tests together need.</summary>
    private async Task ProvideAsync(CancellationToken cancellationToken)
    {
        var missing = Needs.Where(need => !need.IsThere()).ToList();
        string[] packages = [.. missing.SelectMany(need => need.Packages)];
        if (missing.Count > 0 && !(await DebianPackages.TryInstallAsync(_scratch, packages, cancellationToken) && missing.TrueForAll(need => need.IsThere())))
        {
            throw new TerminalException(ExitCodes.Failed,
                $"The tests need {string.Join(", ", missing.Select(need => need.Title))}. Install them (Debian: apt-get install {string.Join(' ', packages)}).");
        }

        string[] folders = [.. Directory.GetDirectories(root, $"*{Suffix}").Select(project => Path.Combine(project, "Node")), Path.Combine(root, Client), Path.Combine(root, Page)];
        await Task.WhenAll(folders.Where(LacksNodePackages).Select((folder, index) => InstallNodePackagesAsync(folder, $"npm-{index}.log", cancellationToken)));
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
