using Azure.Core;
using Azure.Identity;

namespace Cosmo.Functions.Hosting.Observability;

/// <summary>
/// As whom the worker sends to Application Insights, by the setting that the host reads for itself. The worker's exporter does not look at it (version 1.10.0 of
/// Azure.Monitor.OpenTelemetry.Exporter), so what holds for the host is done here again: <c>TokenCredentialOptions</c> and <c>OpenTelemetryConfigurationExtensions</c> in the sources of the host and its SDK.
/// </summary>
internal static class ApplicationInsightsIdentity
{
    private const string Setting = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";

    /// <returns>Null where the setting is missing or empty: the connection string is enough then.</returns>
    /// <exception cref="InvalidOperationException">The setting is wrong.</exception>
    public static TokenCredential? CredentialOf(IConfiguration settings) => settings[Setting] is { } text && !string.IsNullOrWhiteSpace(text)
        ? new ManagedIdentityCredential(ClientIdOf(text) is { } id ? ManagedIdentityId.FromUserAssignedClientId(id) : ManagedIdentityId.SystemAssigned)
        : null;

    /// <summary>Reads <c>Authorization=AAD;ClientId=…</c>, in any order and case; what else stands there is not looked at.</summary>
    /// <returns>The client id of a user-assigned identity, null for the system-assigned.</returns>
    /// <exception cref="InvalidOperationException">It asks for no identity, or for one whose client id is no GUID.</exception>
    public static string? ClientIdOf(string text)
    {
        var isAsked = false;
        string? clientId = null;
        foreach (var part in text.Split(';'))
        {
            switch (part.Split('=', 2, StringSplitOptions.TrimEntries))
            {
                case [var name, var value] when name.Equals("Authorization", StringComparison.OrdinalIgnoreCase):
                    isAsked = value.Equals("AAD", StringComparison.OrdinalIgnoreCase) ? true : throw Wrong();
                    break;
                case [var name, var value] when name.Equals("ClientId", StringComparison.OrdinalIgnoreCase):
                    clientId = Guid.TryParse(value, out _) ? value : throw Wrong();
                    break;
            }
        }

        return isAsked ? clientId : throw Wrong();
    }

    private static InvalidOperationException Wrong() =>
        new($"{Setting} must be Authorization=AAD, or Authorization=AAD;ClientId=… with the client id (a GUID) of a user-assigned identity.");
}
