using System.Globalization;
using System.Text.Json;
using Cosmo.Functions.Assistants.Profiles;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Assistants;

/// <summary>
/// At start-up stores the profile's id, and warns when the model is retired soon: models are retired a few months after the announcement, and
/// the service tells the date. Neither can stop the app.
/// </summary>
internal sealed class AssistantStartup(
    OpenAIClients clients,
    ServiceCalls calls,
    IOptions<AssistantOptions> options,
    ProfileCatalog profiles,
    AssistantProfileStore store,
    TimeProvider clock,
    ILogger<AssistantStartup> logger) : BackgroundService
{
    private const int WarnedDays = 90;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await store.SaveAsync(stoppingToken);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            logger.ProfileNotStored(exception);
        }

        if (options.Value.IsAzure)
        {
            // A deployment's name says nothing about its model.
            return;
        }

        try
        {
            foreach (var model in profiles.All.SelectMany(profile => new[] { profile.Model, profile.FallbackModel }).OfType<string>().Distinct())
            {
                await LookUpModelAsync(model, stoppingToken);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            logger.LookUpFailed(exception);
        }
    }

    private async Task LookUpModelAsync(string name, CancellationToken cancellationToken)
    {
        var (answer, fault) = await calls.TryAsync(request => clients.Models.GetModelAsync(name, request), cancellationToken);
        if (fault is { Code: "model_not_found" })
        {
            logger.ModelUnknown(name);
        }

        if (answer is null)
        {
            return;
        }

        var model = JsonElement.Parse(answer.GetRawResponse().Content);
        if (model.TryGetProperty("shutdown_date", out var shutdown)
            && DateOnly.TryParseExact(shutdown.GetString(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            && date.DayNumber - DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime).DayNumber is <= WarnedDays and var days)
        {
            logger.RetirementNear(name, date, days);
        }
    }
}
