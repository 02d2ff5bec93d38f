using System.Net;
using System.Net.Sockets;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tools;

/// <summary>
/// Asks the services behind the tools: every try has a time limit, passing failures are tried again where that does no harm, answers are limited in size.
/// Neither an address nor a key gets into a log or an error.
/// </summary>
internal sealed class ApiClient(IHttpClientFactory clients, TimeProvider clock, ILogger<ApiClient> logger)
{
    /// <summary>The name of the <see cref="HttpClient"/>.</summary>
    public const string ClientName = "Cosmo.Tools";

    /// <summary>The largest answer that is read, in bytes.</summary>
    public const int MaxAnswerBytes = 1_048_576;

    private const int MaxTries = 3;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The answer to a GET, or null for 404. Throws <see cref="ToolException"/>. The service is named as in a sentence ("the weather service"),
    /// the address may hold a key, and a key that is given apart goes into the header <c>x-api-key</c>.
    /// </summary>
    public async Task<ForeignJson?> GetAsync(string service, Uri uri, string? apiKey, CancellationToken cancellationToken)
    {
        if (await SendAsync(new ApiCall(service, ClientName, Request), cancellationToken) is not { } answer)
        {
            return null;
        }

        if (ForeignJson.TryRead(answer, out var json, out _))
        {
            return json;
        }

        logger.RequestFailed(service, 1, "not JSON");
        throw Unreadable(service);

        HttpRequestMessage Request()
        {
            var request = new HttpRequestMessage(HttpMethod.Get, uri);
            if (apiKey is not null)
            {
                request.Headers.Add("x-api-key", apiKey);
            }

            return request;
        }
    }

    /// <summary>The answer's body, or null for 404. Throws <see cref="ToolException"/>.</summary>
    public async Task<byte[]?> SendAsync(ApiCall call, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { MaxTries = call.MayRepeat ? MaxTries : 1, LongestRetryAfter = LongestDelay };
        while (true)
        {
            var (answer, failure) = await TryAsync(call, backoff.Try, cancellationToken);
            if (failure is null)
            {
                return answer;
            }

            if (!failure.MayPass || !await backoff.WaitAsync(failure.RetryAfter, cancellationToken))
            {
                throw new ToolException(call.MayRepeat || !failure.MayHaveArrived ? failure.Sentence : $"{failure.Sentence} {Toolbox.OutcomeUnknown}");
            }
        }
    }

    private async Task<(byte[]? Answer, Failure? Failure)> TryAsync(ApiCall call, int @try, CancellationToken cancellationToken)
    {
        var service = call.Service;
        using var limit = new TimeLimit(call.TryTimeLimit, clock, cancellationToken);
        try
        {
            using var request = call.Request();
            using var client = clients.CreateClient(call.ClientName);
            using var response = await client.SendAsync(request, limit.Token);
            if (response.IsSuccessStatusCode)
            {
                return (await response.Content.ReadAsByteArrayAsync(limit.Token), null);
            }

            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return (null, null);
            }

            logger.RequestFailed(service, @try, $"status {(int)response.StatusCode}");
            return (null, Failure.Of(service, response, clock.GetUtcNow()));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            logger.RequestFailed(service, @try, "no answer in time");
            return (null, new Failure($"{Capitalized(service)} did not answer in time. Tell the user to try again later.", MayPass: true) { MayHaveArrived = true });
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            logger.RequestFailed(service, @try, "answer too large");
            return (null, new Failure($"The answer of {service} was too large to be read.", MayPass: false) { MayHaveArrived = true });
        }
        catch (HttpRequestException exception) when (exception.InnerException is PrivateAddressException)
        {
            logger.RequestFailed(service, @try, "a private address, which the tool may not connect to");
            return (null, new Failure($"{Capitalized(service)} is at an address that Cosmo may not connect to. Tell the user that an operator has to look at this.", MayPass: false));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // Its text would name the host.
            var error = (exception as HttpRequestException)?.HttpRequestError ?? HttpRequestError.Unknown;
            logger.RequestFailed(service, @try, $"connection ({(exception.InnerException as SocketException)?.SocketErrorCode.ToString() ?? error.ToString()})");
            return (null, new Failure($"{Capitalized(service)} cannot be reached right now. Tell the user to try again later.", MayPass: true)
            {
                MayHaveArrived = error is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError),
            });
        }
    }

    /// <summary>What to throw when an answer is JSON, but not the JSON that was expected.</summary>
    public static ToolException Unreadable(string service) => new(Failure.Unreadable(service).Sentence);

    private static string Capitalized(string service) => char.ToUpperInvariant(service[0]) + service[1..];

    private sealed record Failure(string Sentence, bool MayPass, TimeSpan? RetryAfter = null)
    {
        /// <summary>Whether the service may have done what it was asked for.</summary>
        public bool MayHaveArrived { get; init; }

        public static Failure Of(string service, HttpResponseMessage response, DateTimeOffset now) => response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                new($"{Capitalized(service)} does not accept Cosmo's key. Tell the user that an operator has to look at this.", MayPass: false),
            HttpStatusCode.TooManyRequests =>
                new($"{Capitalized(service)} gets too many requests right now. Tell the user to try again later.", true, RetryAfterOf(response, now)),
            >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout =>
                new($"{Capitalized(service)} has a problem right now. Tell the user to try again later.", true, RetryAfterOf(response, now)) { MayHaveArrived = true },
            _ => new($"{Capitalized(service)} refused the request (status {(int)response.StatusCode}).", MayPass: false),
        };

        public static Failure Unreadable(string service) => new($"The answer of {service} could not be read.", MayPass: false);

        private static TimeSpan? RetryAfterOf(HttpResponseMessage response, DateTimeOffset now) =>
            response.Headers.NonValidated.TryGetValues("Retry-After", out var values) ? RetryAfterHeader.Read(values.ToString(), now) : null;
    }
}

/// <param name="Service">As in a sentence.</param>
/// <param name="ClientName">The name of the <see cref="HttpClient"/>.</param>
/// <param name="Request">Makes the request, anew for each try.</param>
internal sealed record ApiCall(string Service, string ClientName, Func<HttpRequestMessage> Request)
{
    /// <summary>Whether it may be sent again; true by default.</summary>
    public bool MayRepeat { get; init; } = true;

    public TimeSpan TryTimeLimit { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Where a service behind a tool is.</summary>
internal sealed class ApiOptions
{
    /// <summary>The address to which the rest of the path is added. Without one, the tool is not offered.</summary>
    public string? BaseUrl { get; set; }

    public bool IsValid => string.IsNullOrWhiteSpace(BaseUrl)
        || (Uri.TryCreate(BaseUrl, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && Address.UnusedPart(uri, takesLogin: false) is null);
}
