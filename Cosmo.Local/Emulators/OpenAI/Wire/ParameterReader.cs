using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>Reads the parameters of one JSON object strictly; a wrong one is an <see cref="ApiException"/> that names it.</summary>
internal sealed class ParameterReader(JsonObject json, string path = "")
{
    public string Path(string name) => path.Length == 0 ? name : $"{path}.{name}";

    public string? Text(string name) => Value(name, JsonValueKind.String, "a string")?.GetValue<string>();

    public string RequiredText(string name) => Text(name) ?? throw ApiException.Missing(Path(name));

    public bool Flag(string name, bool otherwise) => json[name] switch
    {
        null => otherwise,
        JsonValue value when value.GetValueKind() is JsonValueKind.True or JsonValueKind.False => value.GetValue<bool>(),
        var value => throw ApiException.InvalidType(Path(name), "a boolean", value),
    };

    public JsonObject? Object(string name) => json[name] switch
    {
        null => null,
        JsonObject value => value,
        var value => throw ApiException.InvalidType(Path(name), "an object", value),
    };

    public JsonArray? Array(string name) => json[name] switch
    {
        null => null,
        JsonArray value => value,
        var value => throw ApiException.InvalidType(Path(name), "an array", value),
    };

    public int? Integer(string name, int minimum)
    {
        if (Value(name, JsonValueKind.Number, "an integer") is not { } number)
        {
            return null;
        }

        if (!number.TryGetValue(out int value))
        {
            throw ApiException.InvalidType(Path(name), "an integer", number);
        }

        return value >= minimum ? value : throw new ApiException(
            400,
            $"Invalid '{Path(name)}': integer below minimum value. Expected a value >= {minimum}, but got {value} instead.",
            Path(name),
            "integer_below_min_value");
    }

    public void Number(string name, double minimum, double maximum)
    {
        if (Value(name, JsonValueKind.Number, "a decimal") is { } number && (double)number is var value && (value < minimum || value > maximum))
        {
            throw ApiException.InvalidValue(Path(name), $"Invalid '{Path(name)}': expected a value between {minimum} and {maximum}, but got {value} instead.");
        }
    }

    public void OneOf(string name, params ReadOnlySpan<string> allowed)
    {
        if (Text(name) is { } value && !allowed.Contains(value))
        {
            throw ApiException.InvalidValue(Path(name), $"Invalid value: '{value}'. Supported values are: '{string.Join("', '", allowed!)}'.");
        }
    }

    public void NothingBut(IReadOnlySet<string> known)
    {
        foreach (var (name, _) in json)
        {
            if (!known.Contains(name))
            {
                throw new ApiException(400, $"Unknown parameter: '{Path(name)}'.", Path(name), "unknown_parameter");
            }
        }
    }

    private JsonValue? Value(string name, JsonValueKind kind, string expected) => json[name] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == kind => value,
        var value => throw ApiException.InvalidType(Path(name), expected, value),
    };
}
