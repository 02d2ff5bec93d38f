using System.Diagnostics;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tools;

namespace Cosmo.Functions.Tests.Tools;

public sealed class ToolArgumentsTests
{
    private static readonly JsonObject Schema = JsonNode.Parse("""
        {
          "type": "object",
          "properties": {
            "kind": { "enum": ["a", 1, null] },
            "only": { "const": "x" },
            "id": { "type": "integer" },
            "step": { "type": "number", "multipleOf": 0.1, "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
            "most": { "type": "number", "maximum": 5 },
            "name": { "type": "string", "minLength": 2, "maxLength": 3 },
            "part": { "type": "string", "pattern": "b" },
            "slow": { "type": "string", "pattern": "^(a+)+$" },
            "tags": { "type": "array", "items": { "type": "string", "pattern": "^[a-z]+$" }, "minItems": 1, "maxItems": 2 },
            "where": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"], "additionalProperties": false },
            "more": { "type": "object", "additionalProperties": { "type": "boolean" } },
            "note": { "$ref": "#/$defs/Note" },
            "tree": { "$ref": "#/$defs/Tree" },
            "either": { "anyOf": [{ "type": "string", "pattern": "^s$" }, { "type": "integer" }, { "type": "null" }] },
            "both": { "allOf": [{ "type": "number", "minimum": 1 }, { "maximum": 2 }] },
            "two": { "type": ["string", "integer"] },
            "none": false
          },
          "$defs": {
            "Note": { "type": "string", "maxLength": 2 },
            "Tree": { "type": "object", "properties": { "in": { "$ref": "#/$defs/Tree" } } }
          }
        }
        """)!.AsObject();

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"kind":"a","only":"x","id":9007199254740993,"step":0.3,"most":-1e3,"name":"ñ😀","part":"abc","tags":["a","b"]}""")]
    [InlineData("""{"kind":1,"where":{"city":"Makati"},"more":{"x":true},"note":"ab","tree":{"in":{"in":{}}},"either":5,"both":2,"two":"x","extra":[1]}""")]
    [InlineData("""{"kind":null,"either":null,"two":7}""")]
    public void What_the_schema_allows_passes(string arguments) => Check(arguments).ShouldBeNull();

    [Theory]
    [InlineData("""{"kind":"b"}""", "The argument 'kind' must be one of \"a\", 1, null.")]
    [InlineData("""{"only":"y"}""", "The argument 'only' must be \"x\".")]
    [InlineData("""{"id":1.5}""", "The argument 'id' must be a whole number.")]
    [InlineData("""{"id":null}""", "The argument 'id' must not be null: leave it out.")]
    [InlineData("""{"step":0.25}""", "The argument 'step' must be a multiple of 0.1.")]
    [InlineData("""{"step":0}""", "The argument 'step' must be more than 0.")]
    [InlineData("""{"step":1}""", "The argument 'step' must be less than 1.")]
    [InlineData("""{"most":6}""", "The argument 'most' must be at most 5.")]
    [InlineData("""{"name":"😀"}""", "The argument 'name' must have at least 2 characters.")]
    [InlineData("""{"name":"abcd"}""", "The argument 'name' must have at most 3 characters.")]
    [InlineData("""{"part":"xyz"}""", "The argument 'part' must match b.")]
    [InlineData("""{"tags":[]}""", "The argument 'tags' must have at least 1 items.")]
    [InlineData("""{"tags":["a","b","c"]}""", "The argument 'tags' must have at most 2 items.")]
    [InlineData("""{"tags":["a","B"]}""", "The argument 'tags[1]' must match ^[a-z]+$.")]
    [InlineData("""{"tags":"a"}""", "The argument 'tags' must be a list.")]
    [InlineData("""{"where":{}}""", "The argument 'where.city' is required.")]
    [InlineData("""{"where":{"city":"x","zip":1}}""", "Unknown argument 'where.zip'. The arguments are: city.")]
    [InlineData("""{"where":[]}""", "The argument 'where' must be an object.")]
    [InlineData("""{"more":{"x":1}}""", "The argument 'more.x' must be a boolean.")]
    [InlineData("""{"note":"abc"}""", "The argument 'note' must have at most 2 characters.")]
    [InlineData("""{"either":"t"}""", "The argument 'either' must match ^s$.")]
    [InlineData("""{"both":3}""", "The argument 'both' must be at most 2.")]
    [InlineData("""{"two":true}""", "The argument 'two' must be a string or a whole number.")]
    [InlineData("""{"none":1}""", "The argument 'none' is not allowed.")]
    [InlineData("""{"part":"\udc00"}""", "The arguments hold text that is not valid Unicode.")]
    public void What_it_does_not_allow_is_explained(string arguments, string explanation) => Check(arguments).ShouldBe(explanation);

    [Fact]
    public void A_pattern_that_backtracks_without_end_is_given_up()
    {
        var started = Stopwatch.GetTimestamp();

        Check($$"""{"slow":"{{new string('a', 60)}}!"}""").ShouldBe("The argument 'slow' must match ^(a+)+$.");

        Stopwatch.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Nesting_without_end_is_refused()
    {
        var depth = 60;

        Check($$"""{"tree":{{string.Concat(Enumerable.Repeat("{\"in\":", depth))}}{}{{new string('}', depth)}}}""")!.ShouldContain("nested too deeply");
    }

    [Theory]
    [InlineData("""{ "type": "string" }""", false)]
    [InlineData("""{}""", false)]
    [InlineData("""{ "$ref": "#/$defs/Text" }""", false)]
    [InlineData("""{ "enum": ["a"] }""", false)]
    [InlineData("""{ "type": ["string", "null"] }""", true)]
    [InlineData("""{ "enum": ["a", null] }""", true)]
    [InlineData("""{ "anyOf": [{ "$ref": "#/$defs/Text" }, { "type": "null" }] }""", true)]
    public void What_is_required_may_be_left_out_where_it_may_be_null(string schema, bool mayBeLeftOut)
    {
        var whole = JsonNode.Parse($$"""{ "type": "object", "properties": { "a": {{schema}} }, "required": ["a"], "$defs": { "Text": { "type": "string" } } }""")!.AsObject();

        Check("{}", whole).ShouldBe(mayBeLeftOut ? null : "The argument 'a' is required.");
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","pattern":"^a$"},"b":{"type":["object","null"],"properties":{},"required":[],"additionalProperties":false}},"required":["a","b"],"additionalProperties":false}""", true)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","minLength":1}},"required":["a"],"additionalProperties":false}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{"type":"object"}},"required":["a"],"additionalProperties":false}""", false)]
    [InlineData("""{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false}""", false)]
    [InlineData("""{"type":"object"}""", false)]
    public void Strict_mode_is_asked_for_where_the_service_takes_the_schema(string schema, bool isStrict) =>
        SchemaKeywords.AreStrict(JsonNode.Parse(schema)!.AsObject()).ShouldBe(isStrict);

    private static string? Check(string arguments, JsonObject? schema = null)
    {
        try
        {
            ToolArguments.Check(ToolArguments.Parse(arguments), schema ?? Schema);
            return null;
        }
        catch (ToolException exception)
        {
            return exception.Message;
        }
    }
}
