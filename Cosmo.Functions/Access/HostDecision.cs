using System.Text.Json;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Access;

/// <summary>
/// The host application's own word on who gets the address of a channel: it is sent channel and user, and answers <c>{"allowed": true}</c>, or false. What it
/// answered is remembered for a minute; an answer that is none, or comes late, is a no for this time.
/// </summary>
internal sealed class HostDecision(IHttpClientFactory clients, IOptions<AccessOptions> options, TimeProvider clock, ILogger<HostDecision> logger)
{
    private const int MostRemembered = 10_000;

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    private readonly RecentValues<string, bool> _answers = new(MostRemembered, TimeSpan.FromSeconds(60), clock);

    /// <param name="channel">The channel.</param>
    /// <param name="user">Who asks for it; null for a stranger.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<bool> AllowsAsync(string channel, SignedInUser? user, CancellationToken cancellationToken)
    {
        if (options.Value.DecisionUrl is not { } address)
        {
            return true;
        }

        var question = JsonSerializer.Serialize(
            new { channel, user = user is null ? null : new { user.Caller.Id, user.Caller.Roles, user.Issuer } }, CosmoJson.Options);
        try
        {
            return await _answers.GetAsync(question, () => AskAsync(address, question), cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.NoDecision(e);
            return false;
        }
    }

    private async Task<bool> AskAsync(Uri address, string question)
    {
        using var limit = new TimeLimit(AnswerLimit, clock);
        using var client = clients.CreateClient(AccessServiceCollectionExtensions.ClientName);
        using var content = new StringContent(question, null, "application/json");
        using var response = await client.PostAsync(address, content, limit.Token);
        response.EnsureSuccessStatusCode();
        var body = await response.Content.ReadAsByteArrayAsync(limit.Token);
        return (ForeignJson.TryRead(body, out var answer, out _) ? answer["allowed"]?.Kind : null) switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw new InvalidDataException("The answer has no 'allowed' that is true or false."),
        };
    }
}
