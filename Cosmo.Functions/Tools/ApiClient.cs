using System.Net;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tools;

/// <summary>
/// Reads JSON from the services behind the tools: every try has a time limit, passing failures are tried again, answers are limited in size.
/// Neither an address nor a key gets into a log or an error.
/// </summary>
internal sealed class ApiClient(IHttpClientFactory clients, TimeProvider clock, ILogger<ApiClient> logger)
{
    /// <summary>The name of the <see cref="HttpClient"/>.</summary>
    public const string ClientName = "Cosmo.Tools";

    /// <summary>The largest answer that is read, in bytes.</summary>
    public const int MaxAnswerBytes = 1_048_576;

    private const int MaxTries = 3;
    private static readonly TimeSpan TryTimeLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The answer to a GET, or null for 404. Throws <see cref="ToolException"/>. The service is named as in a sentence ("the weather service"),
    /// the address may hold a key, and a key that is given apart goes into the header <c>x-api-key</c>.
    /// </summary>
    public async Task<ForeignJson?> GetAsync(string service, Uri uri, string? apiKey, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { MaxTries = MaxTries, LongestRetryAfter = LongestDelay };
        while (true)
        {
            var (answer, failure) = await TryAsync(service, uri, apiKey, backoff.Try, cancellationToken);
            if (failure is null)
            {
                return answer;
            }

            if (!failure.MayPass || !await backoff.WaitAsync(failure.RetryAfter, cancellationToken))
            {
                throw new ToolException(failure.Sentence);
            }
        }
    }

    private async Task<(ForeignJson? Answer, Failure? Failure)> TryAsync(
        string service, Uri uri, string? apiKey, int @try, CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(TryTimeLimit, clock, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            if (apiKey is not null)
            {
                request.Headers.Add("x-api-key", apiKey);
            }

            using var client = clients.CreateClient(ClientName);
            using var response = await client.SendAsync(request, limit.Token);
            if (response.IsSuccessStatusCode)
            {
                if (ForeignJson.TryRead(await response.Content.ReadAsByteArrayAsync(limit.Token), out var json, out _))
                {
                    return (json, null);
                }

                logger.RequestFailed(service, @try, "not JSON", null);
                return (null, Failure.Unreadable(service));
            }

            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return (null, null);
            }

            logger.RequestFailed(service, @try, $"status {(int)response.StatusCode}", null);
            return (null, Failure.Of(service, response, clock.GetUtcNow()));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            logger.RequestFailed(service, @try, "no answer in time", null);
            return (null, new Failure($"{Capitalized(service)} did not answer in time. Tell the user to try again later.", MayPass: true));
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            logger.RequestFailed(service, @try, "answer too large", null);
            return (null, new Failure($"The answer of {service} was too large to be read.", MayPass: false));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            logger.RequestFailed(service, @try, "connection", exception);
            return (null, new Failure($"{Capitalized(service)} cannot be reached right now. Tell the user to try again later.", MayPass: true));
        }
    }

    /// <summary>What to throw when an answer is JSON, but not the JSON that was expected.</summary>
    public static ToolException Unreadable(string service) => new(Failure.Unreadable(service).Sentence);

    private static string Capitalized(string service) => char.ToUpperInvariant(service[0]) + service[1..];

    private sealed record Failure(string Sentence, bool MayPass, TimeSpan? RetryAfter = null)
    {
        public static Failure Of(string service, HttpResponseMessage response, DateTimeOffset now) => response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                new($"{Capitalized(service)} does not accept Cosmo's key. Tell the user that an operator has to look at this.", MayPass: false),
            HttpStatusCode.TooManyRequests =>
                new($"{Capitalized(service)} gets too many requests right now. Tell the user to try again later.", true, RetryAfterOf(response, now)),
            >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout =>
                new($"{Capitalized(service)} has a problem right now. Tell the user to try again later.", true, RetryAfterOf(response, now)),
            _ => new($"{Capitalized(service)} refused the request (status {(int)response.StatusCode}).", MayPass: false),
        };

        public static Failure Unreadable(string service) => new($"The answer of {service} could not be read.", MayPass: false);

        private static TimeSpan? RetryAfterOf(HttpResponseMessage response, DateTimeOffset now) =>
            response.Headers.NonValidated.TryGetValues("Retry-After", out var values) ? RetryAfterHeader.Read(values.ToString(), now) : null;
    }
}

/// <summary>Where a service behind a tool is.</summary>
internal sealed class ApiOptions
{
    /// <summary>The address to which the rest of the path is added. Without one, the tool is not offered.</summary>
    public string? BaseUrl { get; set; }

    public bool IsValid => string.IsNullOrWhiteSpace(BaseUrl)
        || (Uri.TryCreate(BaseUrl, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && Address.UnusedPart(uri, takesLogin: false) is null);
}
