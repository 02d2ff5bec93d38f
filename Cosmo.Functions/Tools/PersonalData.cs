using System.Text.Json;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools;

/// <summary>Asks the services that know private data about people, and says who may.</summary>
internal sealed class PersonalData(ApiClient api, IOptions<ToolOptions> options)
{
    private readonly ToolOptions _options = options.Value;

    /// <summary>Whether what a service at this address needs is set.</summary>
    public bool IsConfigured(ApiOptions service) => !string.IsNullOrWhiteSpace(service.BaseUrl) && !string.IsNullOrWhiteSpace(_options.ApiKey);

    public bool IsAvailableTo(Caller caller) =>
        string.IsNullOrWhiteSpace(_options.PersonalDataRole) || caller.Roles.Contains(_options.PersonalDataRole, StringComparer.OrdinalIgnoreCase);

    /// <summary>The member <c>data</c> of the answer, or null for 404. Throws <see cref="ToolException"/>.</summary>
    public async Task<JsonElement?> GetAsync(string name, ApiOptions service, string path, CancellationToken cancellationToken)
    {
        var uri = new Uri($"{service.BaseUrl!.TrimEnd('/')}/{path}");
        var answer = await api.GetAsync(name, uri, _options.ApiKey, cancellationToken);
        if (answer is not { } found)
        {
            return null;
        }

        return found.ValueKind == JsonValueKind.Object && found.TryGetProperty("data", out var data) ? data : throw ApiClient.Unreadable(name);
    }
}
