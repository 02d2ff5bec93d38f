using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>One page of a list of items, by <c>limit</c> (1 to 100, 20 by default), <c>order</c> (desc by default) and <c>after</c>.</summary>
internal static class ItemPage
{
    public static JsonObject Of(IReadOnlyList<Item> items, IQueryCollection query)
    {
        var limit = ReadLimit(query["limit"]);
        var ordered = ReadAscending(query["order"]) ? items : [.. items.Reverse()];
        var start = 0;
        if (query["after"].ToString() is { Length: > 0 } after)
        {
            var last = ordered.Index().FirstOrDefault(entry => entry.Item.Id == after, (-1, null!)).Index;
            start = last >= 0 ? last + 1 : throw ApiException.InvalidValue("after", $"Invalid 'after': no item with id '{after}' found.");
        }

        return List([.. ordered.Skip(start).Take(limit)], start + limit < ordered.Count);
    }

    public static JsonObject List(IReadOnlyList<Item> items, bool hasMore = false) => new()
    {
        ["object"] = "list",
        ["data"] = new JsonArray([.. items.Select(item => item.ToJson())]),
        ["first_id"] = items.Count > 0 ? items[0].Id : null,
        ["last_id"] = items.Count > 0 ? items[^1].Id : null,
        ["has_more"] = hasMore,
    };

    private static int ReadLimit(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return 20;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= 100
            ? limit
            : throw ApiException.InvalidValue("limit", $"Invalid 'limit': expected an integer between 1 and 100, but got '{text}' instead.");
    }

    private static bool ReadAscending(string? text) => text switch
    {
        null or "" or "desc" => false,
        "asc" => true,
        _ => throw ApiException.InvalidValue("order", $"Invalid value: '{text}'. Supported values are: 'asc' and 'desc'."),
    };
}
