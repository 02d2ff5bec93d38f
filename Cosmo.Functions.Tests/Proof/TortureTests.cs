using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>Faults at every seam, under load: beside nothing that needs the processors for itself.</summary>
[Collection<Alone>]
[Trait("kind", "faults")]
public sealed class TortureTests
{
    /// <summary>What <c>./cosmo torture</c> asks for.</summary>
    private const string Asked = "COSMO_TORTURE";

    private static readonly JsonSerializerOptions Words = new() { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    [Fact]
    public async Task A_minute_of_faults_breaks_no_promise()
    {
        var folder = Directory.CreateTempSubdirectory("cosmo-torture-");
        try
        {
            string[] quick = [.. Fault.All.Where(fault => !fault.TakesAMinute).Select(fault => fault.Name)];
            await RunAsync(new TortureOptions(Random.Shared.Next(100_000), 1, quick, 6, Fleet.One, Flood: 0, folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact(Explicit = true)]
    public Task As_asked() => RunAsync(JsonSerializer.Deserialize<TortureOptions>(Environment.GetEnvironmentVariable(Asked) ?? throw new InvalidOperationException("Call it as ./cosmo torture."), Words)!);

    private static async Task RunAsync(TortureOptions options)
    {
        var rounds = await new Torture(options, Tell).RunAsync(TestContext.Current.CancellationToken);

        rounds.SelectMany(round => round.Violations).Select(violation => $"{violation.Rule}: {violation.What}").ShouldBeEmpty($"Seed {options.Seed}");
        rounds.Sum(round => round.Messages).ShouldBeGreaterThan(0);
        if (options.Flood == 0 && options.At is null)
        {
            rounds.SelectMany(round => round.Faults).Sum(fault => fault.Hits).ShouldBeGreaterThan(0);
        }
    }

    private static void Tell(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        Console.Error.WriteLine(line);
    }
}

/// <summary>Tests that run while no other does.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;
