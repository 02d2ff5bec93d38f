using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>One thing that the user wants to know, with what was said about it so far.</summary>
internal sealed record Ask(Topic Topic)
{
    public Place? Place { get; init; }

    /// <summary>How many people an office is for.</summary>
    public int? Capacity { get; init; }

    public string? Email { get; init; }

    public bool LacksPlace => Topic.IsAboutPlace() && Place is null;

    public bool LacksCapacity => Topic == Topic.Offices && Capacity is null;

    public bool LacksEmail => Topic.IsAboutPerson() && Email is null;

    public bool IsComplete => !LacksPlace && !LacksCapacity && !LacksEmail;

    /// <summary>This ask with whatever it lacks, and <paramref name="details"/> has, filled in.</summary>
    public Ask FilledFrom(Details details) => this with
    {
        Place = LacksPlace ? details.Place : Place,
        Capacity = LacksCapacity ? details.Capacity : Capacity,
        Email = LacksEmail ? details.Email : Email,
    };

    /// <summary>The function call: only arguments that the schema has, and null for one that it requires and the user did not say.</summary>
    public FunctionCall ToCall(OfferedTool tool)
    {
        var arguments = new JsonObject();
        Put("city", Place?.City);
        Put("country_code", Place?.CountryCode);
        Put("capacity", Capacity);
        Put("email", Email);
        return new FunctionCall(tool.Name, arguments.ToJsonString(Endpoints.Json.Wire));

        void Put(string name, JsonNode? value)
        {
            if (tool.Has(name) && (value is not null || tool.Requires(name)))
            {
                arguments[name] = value;
            }
        }
    }
}

/// <summary>A city, and its country if it was said.</summary>
internal sealed record Place(string City, string? CountryCode);

/// <summary>What a piece of text says, whatever it is about.</summary>
internal sealed record Details(Place? Place, int? Capacity, string? Email)
{
    public bool IsEmpty => Place is null && Capacity is null && Email is null;
}
