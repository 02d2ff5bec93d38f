using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.Primitives;

namespace Cosmo.Local.Host.Http;

/// <summary>The routes of the functions. There are none until the worker has told its functions.</summary>
internal sealed class FunctionEndpoints : EndpointDataSource, IDisposable
{
    private IReadOnlyList<Endpoint> _endpoints = [];
    private CancellationTokenSource _changed = new();

    public override IReadOnlyList<Endpoint> Endpoints => _endpoints;

    public override IChangeToken GetChangeToken() => new CancellationChangeToken(_changed.Token);

    /// <summary>Puts each function on its route, in place of those that were there.</summary>
    public void Replace(IEnumerable<HttpFunction> functions, string routePrefix, Func<HttpFunction, RequestDelegate> answer)
    {
        _endpoints =
        [
            .. functions.Select(function => new RouteEndpointBuilder(answer(function), RoutePatternFactory.Parse(function.Path(routePrefix)), order: 0)
            {
                DisplayName = function.Function.Name,
                Metadata = { function },
            }.Build()),
        ];
        using var changed = Interlocked.Exchange(ref _changed, new CancellationTokenSource());
        changed.Cancel();
    }

    public void Dispose() => _changed.Dispose();
}

/// <summary>Looks for the function by route and method together: to the Functions host a wrong method is no function (404), where ASP.NET Core would answer 405.</summary>
internal sealed class FunctionMethods : MatcherPolicy, IEndpointSelectorPolicy
{
    public override int Order => -1000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(endpoint => endpoint.Metadata.GetMetadata<HttpFunction>() is { Methods: not null });

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        for (var candidate = 0; candidate < candidates.Count; candidate++)
        {
            if (candidates.IsValidCandidate(candidate) && candidates[candidate].Endpoint.Metadata.GetMetadata<HttpFunction>()?.Takes(httpContext.Request.Method) == false)
            {
                candidates.SetValidity(candidate, false);
            }
        }

        return Task.CompletedTask;
    }
}
