using System.Text;
using System.Text.Json;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class ForeignJsonTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData(" [ ] ")]
    [InlineData("[1, -0, 0.5, -12.5e+3, 1E9]")]
    [InlineData("[NaN, Infinity, -Infinity]")]
    [InlineData("\"a \\\" \\u00e9 \\/ \"")]
    [InlineData("""{"a": {"b": [true, false, null, {}]}, "a": 2}""")]
    public void What_Python_reads_is_JSON(string text) => ForeignJson.TryRead(Encoding.UTF8.GetBytes(text), out _, out _).ShouldBeTrue();

    [Theory]
    [InlineData("", 0)]
    [InlineData("[1,]", 3)]
    [InlineData("[1 2]", 3)]
    [InlineData("[1}", 2)]
    [InlineData("{\"a\" 1}", 5)]
    [InlineData("{\"a\": 1,}", 8)]
    [InlineData("{a: 1}", 1)]
    [InlineData("[01]", 1)]
    [InlineData("[1.]", 3)]
    [InlineData("[-]", 2)]
    [InlineData("[+1]", 1)]
    [InlineData("[1e]", 3)]
    [InlineData("[nan]", 1)]
    [InlineData("\"\\u00g0\"", 1)]
    [InlineData("\"\\x\"", 1)]
    [InlineData("\"a\nb\"", 2)]
    [InlineData("\"a", 2)]
    [InlineData("{} {}", 3)]
    [InlineData("[[[", 3)]
    public void What_Python_does_not_read_is_none_and_it_is_known_where(string text, int fault)
    {
        ForeignJson.TryRead(Encoding.UTF8.GetBytes(text), out _, out var at).ShouldBeFalse();

        at.ShouldBe(fault);
    }

    [Fact]
    public void Members_and_elements_come_in_their_order()
    {
        ForeignJson.TryRead("""{ "a" : [ 1 , "two" , [ ] ] , "b\u0063" : { } }"""u8.ToArray(), out var value, out _).ShouldBeTrue();

        value.Members().Select(member => member.Name).ShouldBe(["a", "bc"]);
        value.Members().First().Value.Elements().Select(element => Encoding.UTF8.GetString(element.Raw)).ShouldBe(["1", "\"two\"", "[ ]"]);
        value.Elements().ShouldBeEmpty();
        value.Pick("bc")["bc"].Members().ShouldBeEmpty();
    }

    [Fact]
    public void Of_a_name_that_stands_twice_the_last_counts()
    {
        ForeignJson.TryRead("""{"a": 1, "b": 0, "a": 2}"""u8.ToArray(), out var value, out _).ShouldBeTrue();

        value.Pick("a")["a"].Number.ShouldBe(2);
    }

    /// <summary>Texts near to JSON are judged as the platform's own reader judges them, where that is as patient.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void It_agrees_with_the_platforms_reader(int seed)
    {
        const string alphabet = "{}[]:,\"\\/u00e9dD8 \t\n-+.0123eEtruefalsn\u0001";
        const string sample = """{"a": [1, -2.5e3, "x\u00e9\n", true, false, null, {"b": {}}], "c": "d"}""";
        var random = new Random(seed);
        for (var round = 0; round < 50_000; round++)
        {
            var text = new StringBuilder(sample);
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                var at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0:
                        text[at] = alphabet[random.Next(alphabet.Length)];
                        break;
                    case 1:
                        text.Remove(at, Math.Min(random.Next(1, 4), text.Length - at));
                        break;
                    default:
                        text.Insert(at, alphabet[random.Next(alphabet.Length)]);
                        break;
                }
            }

            var bytes = Encoding.UTF8.GetBytes(text.ToString());
            ForeignJson.TryRead(bytes, out var value, out _).ShouldBe(IsJson(bytes), text.ToString());
            Walk(value, ForeignJson.TryRead(bytes, out _, out _));
        }
    }

    private static void Walk(ForeignJson value, bool isJson)
    {
        if (!isJson)
        {
            return;
        }

        _ = value.Text;
        _ = value.Number;
        foreach (var (_, member) in value.Members())
        {
            Walk(member, isJson);
        }

        foreach (var element in value.Elements())
        {
            Walk(element, isJson);
        }
    }

    private static bool IsJson(byte[] bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
