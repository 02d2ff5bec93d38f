namespace Cosmo.Functions.Tests.Local.StandIns;

public sealed class OfficialApiTests
{
    private const string Name = "Cosmo.Functions.Tests.Local.StandIns.Sample";

    private static readonly string[] Official =
    [
        $"{Name} | public abstract class {Name} : System.IDisposable  [Obsolete]",
        $"{Name} |   protected .ctor(string? name = null, params int[] numbers)",
        $"{Name} |   public abstract System.Collections.Generic.IReadOnlyDictionary<string, object?> Values {{ get; }}",
        $"{Name} |   public string? Text {{ get; init; }}  [JsonPropertyName(\"text\")]",
        $"{Name} |   public virtual System.Threading.Tasks.Task<T?> ReadAsync<T>(System.TimeSpan? after, System.Threading.CancellationToken cancellation = default) where T : class",
        $"{Name} |   public void Dispose()",
        $"{Name} |   public static bool TryGet(string name, out object? value)",
    ];

    [Fact]
    public void A_type_whose_every_signature_is_official_has_no_strangers() =>
        Read(Official).Strangers(typeof(Sample)).ShouldBeEmpty();

    [Theory]
    [InlineData("public abstract class", "public class")]
    [InlineData("class Cosmo.Functions.Tests.Local.StandIns.Sample : System.IDisposable", "class Cosmo.Functions.Tests.Local.StandIns.Sample")]
    [InlineData("protected .ctor(string? name", "protected .ctor(string name")]
    [InlineData("params int[]", "int[]")]
    [InlineData("object?> Values", "object> Values")]
    [InlineData("get; init;", "get; set;")]
    [InlineData("virtual ", "")]
    [InlineData("Task<T?>", "Task<T>")]
    [InlineData(" = default", "")]
    [InlineData(" where T : class", "")]
    [InlineData("string name, out", "string key, out")]
    [InlineData("out object?", "ref object?")]
    public void A_signature_that_differs_is_a_stranger(string official, string changed)
    {
        var lines = Official.Select(line => line.Replace(official, changed, StringComparison.Ordinal));

        Read(lines).Strangers(typeof(Sample)).Count().ShouldBe(1);
    }

    [Fact]
    public void A_type_that_is_not_official_is_a_stranger() =>
        Read([]).Strangers(typeof(Sample)).ShouldBe([$"{Name}: no such type"]);

    [Fact]
    public void A_loose_line_is_held_against_names_without_namespaces()
    {
        var official = Read([$"{Name} | public abstract class : IDisposable; protected .ctor(string? name = null, params int[] numbers); void Dispose()"]);

        official.Strangers(typeof(Sample)).Count().ShouldBe(4);
    }

    private static OfficialApi Read(IEnumerable<string> lines)
    {
        var api = new OfficialApi();
        foreach (var line in lines)
        {
            api.Add(line);
        }

        return api;
    }
}

#pragma warning disable CA1063, CA1816, CA1019
public abstract class Sample : IDisposable
{
    protected Sample(string? name = null, params int[] numbers) => (Text, Numbers) = (name, numbers);

    public abstract IReadOnlyDictionary<string, object?> Values { get; }

    public string? Text { get; init; }

    internal int[] Numbers { get; }

    public virtual Task<T?> ReadAsync<T>(TimeSpan? after, CancellationToken cancellation = default)
        where T : class => Task.FromResult<T?>(null);

    public static bool TryGet(string name, out object? value) => (value = name) is not null;

    public void Dispose()
    {
    }
}
