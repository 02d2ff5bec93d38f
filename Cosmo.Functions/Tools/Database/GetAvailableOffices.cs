using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Cosmo.Functions.Tools.Database;

/// <summary>Office space that is free.</summary>
internal sealed class GetAvailableOffices(KmcDatabase database) : Tool<GetAvailableOfficesArguments, GetAvailableOfficesResult>
{
    public override string Name => "get_available_offices";

    public override string Description => "Gets the offices that are available in a city for a number of people.";

    public override bool IsConfigured => database.IsConfigured;

    protected override async Task<GetAvailableOfficesResult> ExecuteAsync(GetAvailableOfficesArguments arguments, CancellationToken cancellationToken)
    {
        var city = arguments.City.Trim();
        if (city.Length is 0 or > 100)
        {
            throw new ToolException("The argument 'city' must be the name of a city, of 1 to 100 characters.");
        }

        var rows = await database.GetOfficesAsync(city, arguments.Capacity, cancellationToken);
        var offices = rows.Sets is [var first, ..] ? first : [];
        return new GetAvailableOfficesResult(offices.Count, city, arguments.Capacity, offices, rows.Besides(offices), rows.Note);
    }
}

internal sealed record GetAvailableOfficesArguments(
    [Description("The city, for example Makati.")] string City,
    [Description("How many people need a place."), Range(1, 100_000)] int Capacity);

/// <param name="MoreResults">What the command gave besides.</param>
/// <param name="Note">What the model has to know when not all rows are there.</param>
internal sealed record GetAvailableOfficesResult(
    int TotalAvailableSpaces,
    string City,
    int RequiredCapacity,
    JsonArray AvailableOffices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonArray? MoreResults,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);
