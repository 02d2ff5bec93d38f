using System.Globalization;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.WebPubSub.Rest;

/// <summary>
/// Reads an expression from left to right. What binds tighter comes first: functions and <c>not</c>, comparisons and <c>in</c>, <c>and</c>, <c>or</c>; so
/// <c>not length(userId) gt 5</c> is an error. Types are checked here, so that a connection can be asked without a surprise.
/// </summary>
internal sealed partial class FilterParser
{
    private const int MaxTokens = 1000;
    private const int MaxDepth = 50;

    private static readonly Dictionary<string, (FilterType Result, FilterType[] Parameters, Func<object?[], object?> Call)> Functions = new(StringComparer.Ordinal)
    {
        ["tolower"] = (FilterType.Text, [FilterType.Text], of => Text(of, 0)?.ToLowerInvariant()),
        ["toupper"] = (FilterType.Text, [FilterType.Text], of => Text(of, 0)?.ToUpperInvariant()),
        ["trim"] = (FilterType.Text, [FilterType.Text], of => Text(of, 0)?.Trim()),
        ["length"] = (FilterType.Number, [FilterType.Text], of => (long?)Text(of, 0)?.Length),
        ["indexof"] = (FilterType.Number, [FilterType.Text, FilterType.Text], of => Text(of, 1) is { } part ? (long?)Text(of, 0)?.IndexOf(part, StringComparison.Ordinal) : null),
        ["concat"] = (FilterType.Text, [FilterType.Text, FilterType.Text], of => Text(of, 0) is { } one && Text(of, 1) is { } other ? one + other : null),
        ["substring"] = (FilterType.Text, [FilterType.Text, FilterType.Number], of => of[1] is long start ? Part(Text(of, 0), start, long.MaxValue) : null),
        ["startswith"] = (FilterType.Truth, [FilterType.Text, FilterType.Text], of => Text(of, 1) is { } part && Text(of, 0)?.StartsWith(part, StringComparison.Ordinal) == true),
        ["endswith"] = (FilterType.Truth, [FilterType.Text, FilterType.Text], of => Text(of, 1) is { } part && Text(of, 0)?.EndsWith(part, StringComparison.Ordinal) == true),
        ["contains"] = (FilterType.Truth, [FilterType.Text, FilterType.Text], of => Text(of, 1) is { } part && Text(of, 0)?.Contains(part, StringComparison.Ordinal) == true),
    };

    private readonly List<(string Text, int Position)> _tokens = [];
    private int _next;
    private int _depth;

    public FilterParser(string text)
    {
        for (var position = 0; position < text.Length;)
        {
            var token = Token().Match(text, position);
            if (!token.Success)
            {
                throw new FormatException($"The filter is not valid at position {position}.");
            }

            if (!string.IsNullOrWhiteSpace(token.Value))
            {
                _tokens.Add((token.Value, position));
            }

            position += token.Length;
        }

        if (_tokens.Count > MaxTokens)
        {
            throw new FormatException($"The filter has more than {MaxTokens} words and signs.");
        }

        _tokens.Add(("", text.Length));
    }

    private string Current => _tokens[_next].Text;

    public FilterTerm Parse()
    {
        var term = Or();
        return Current.Length == 0 ? Truth(term) : throw Wrong("is not expected");
    }

    [GeneratedRegex(@"\G(?:\s+|[A-Za-z]\w*|-?\d{1,18}(?!\w)|'(?:[^']|'')*'|[(),])")]
    private static partial Regex Token();

    private FilterTerm Or()
    {
        if (++_depth > MaxDepth)
        {
            throw new FormatException($"The filter is nested more than {MaxDepth} deep.");
        }

        var left = And();
        while (TryTake("or"))
        {
            var (one, other) = (Truth(left), Truth(And()));
            left = new FilterTerm(FilterType.Truth, row => one.Value(row) is true || other.Value(row) is true);
        }

        _depth--;
        return left;
    }

    private FilterTerm And()
    {
        var left = Comparison();
        while (TryTake("and"))
        {
            var (one, other) = (Truth(left), Truth(Comparison()));
            left = new FilterTerm(FilterType.Truth, row => one.Value(row) is true && other.Value(row) is true);
        }

        return left;
    }

    private FilterTerm Comparison()
    {
        var left = Unary();
        switch (Current)
        {
            case "eq" or "ne":
                var isWanted = Take() == "eq";
                var equal = Of(left, Unary(), either: true);
                return new FilterTerm(FilterType.Truth, row => Equals(equal.One.Value(row), equal.Other.Value(row)) == isWanted);
            case "gt" or "ge" or "lt" or "le":
                var sign = Take();
                var ordered = Of(left, Unary(), either: false);
                return new FilterTerm(FilterType.Truth, row => Compare(ordered.One.Value(row), ordered.Other.Value(row)) is { } order && sign switch
                {
                    "gt" => order > 0,
                    "ge" => order >= 0,
                    "lt" => order < 0,
                    _ => order <= 0,
                });
            case "in":
                Take();
                return In(left);
            default:
                return left;
        }
    }

    private FilterTerm In(FilterTerm left)
    {
        if (left.Type is not (FilterType.Text or FilterType.Number))
        {
            throw Wrong("comes after something that is in no list");
        }

        if (TryTake("("))
        {
            var items = List();
            return items.TrueForAll(item => item.Type == left.Type)
                ? new FilterTerm(FilterType.Truth, row => left.Value(row) is { } value && items.Exists(item => Equals(item.Value(row), value)))
                : throw Wrong("ends a list whose items are of another type than what is looked for");
        }

        var list = Unary();
        return list.Type == FilterType.Groups && left.Type == FilterType.Text
            ? new FilterTerm(FilterType.Truth, row => left.Value(row) is string group && row.IsIn(group))
            : throw Wrong("follows no list");
    }

    private FilterTerm Unary()
    {
        if (++_depth > MaxDepth)
        {
            throw new FormatException($"The filter is nested more than {MaxDepth} deep.");
        }

        FilterTerm term;
        if (TryTake("not"))
        {
            var denied = Truth(Unary());
            term = new FilterTerm(FilterType.Truth, row => denied.Value(row) is not true);
        }
        else
        {
            term = Primary();
        }

        _depth--;
        return term;
    }

    private FilterTerm Primary()
    {
        if (TryTake("("))
        {
            var inner = Or();
            Expect(")");
            return inner;
        }

        var word = Current;
        if (Functions.TryGetValue(word, out var function))
        {
            Take();
            Expect("(");
            return Call(word, function.Result, function.Parameters, function.Call, List());
        }

        FilterTerm? term = word switch
        {
            ['\'', ..] => Literal(FilterType.Text, word[1..^1].Replace("''", "'", StringComparison.Ordinal)),
            ['-' or (>= '0' and <= '9'), ..] => Literal(FilterType.Number, long.Parse(word, CultureInfo.InvariantCulture)),
            "true" or "false" => Literal(FilterType.Truth, word == "true"),
            "null" => Literal(FilterType.Nothing, null),
            _ when Is("userId") => new FilterTerm(FilterType.Text, row => row.UserId),
            _ when Is("connectionId") => new FilterTerm(FilterType.Text, row => row.ConnectionId),
            _ when Is("groups") => new FilterTerm(FilterType.Groups, _ => null),
            _ => throw Wrong("is not known"),
        };
        Take();
        return term;

        bool Is(string name) => word.Equals(name, StringComparison.OrdinalIgnoreCase);
    }

    private FilterTerm Call(string name, FilterType result, FilterType[] parameters, Func<object?[], object?> call, List<FilterTerm> arguments)
    {
        // The one function that takes an argument more: how many characters.
        if (name == "substring" && arguments is [{ Type: FilterType.Text }, { Type: FilterType.Number }, { Type: FilterType.Number }])
        {
            return new FilterTerm(FilterType.Text, row => arguments[1].Value(row) is long start && arguments[2].Value(row) is long length
                ? Part(arguments[0].Value(row) as string, start, length)
                : null);
        }

        return arguments.Select(argument => argument.Type).SequenceEqual(parameters)
            ? new FilterTerm(result, row => call([.. arguments.Select(argument => argument.Value(row))]))
            : throw Wrong($"ends {name}, whose arguments are not what it takes");
    }

    private List<FilterTerm> List()
    {
        var items = new List<FilterTerm> { Unary() };
        while (TryTake(","))
        {
            items.Add(Unary());
        }

        Expect(")");
        return items;
    }

    private (FilterTerm One, FilterTerm Other) Of(FilterTerm one, FilterTerm other, bool either)
    {
        var hasNothing = one.Type == FilterType.Nothing || other.Type == FilterType.Nothing;
        var isComparable = one.Type != FilterType.Groups && other.Type != FilterType.Groups && (either || (one.Type != FilterType.Truth && other.Type != FilterType.Truth));
        return isComparable && (one.Type == other.Type || hasNothing) ? (one, other) : throw Wrong("follows a comparison of what cannot be compared");
    }

    private FilterTerm Truth(FilterTerm term) => term.Type == FilterType.Truth ? term : throw Wrong("follows what is neither true nor false");

    private static FilterTerm Literal(FilterType type, object? value) => new(type, _ => value);

    private static string? Text(object?[] arguments, int index) => arguments[index] as string;

    private static string? Part(string? text, long start, long length) =>
        text is null ? null : start < 0 || length < 0 || start >= text.Length ? "" : text[(int)start..(int)Math.Min(text.Length, length > text.Length ? text.Length : start + length)];

    private static int? Compare(object? one, object? other) => (one, other) switch
    {
        (string left, string right) => string.CompareOrdinal(left, right),
        (long left, long right) => left.CompareTo(right),
        _ => null,
    };

    private bool TryTake(string token)
    {
        var isThere = Current == token;
        _next += isThere ? 1 : 0;
        return isThere;
    }

    private string Take() => _tokens[_next++].Text;

    private void Expect(string token)
    {
        if (!TryTake(token))
        {
            throw Wrong($"stands where {token} should");
        }
    }

    private FormatException Wrong(string how)
    {
        var (text, position) = _tokens[Math.Min(_next, _tokens.Count - 1)];
        return new FormatException(text.Length == 0 ? $"The filter is not valid: its end {how}." : $"The filter is not valid: '{text}' at position {position} {how}.");
    }
}
