using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Assistants;

/// <summary>Access to the model. Section <c>Cosmo:Assistants</c>.</summary>
internal sealed class AssistantOptions : IValidatableObject
{
    public const string Section = "Cosmo:Assistants";

    /// <summary>The key of OpenAI, or of the Azure OpenAI resource if <see cref="AzureEndpoint"/> is set.</summary>
    public string? ApiKey { get; set; }

    /// <summary>The model, or on Azure the deployment's name. Default <c>gpt-4o-mini</c>.</summary>
    [Required(ErrorMessage = "Cosmo:Assistants:Model (OPENAI_MODEL) must not be empty; leave it out for gpt-4o-mini.")]
    public string Model { get; set; } = "gpt-4o-mini";

    /// <summary>Where OpenAI is, with the version. Default <c>https://api.openai.com/v1</c>. Not used with <see cref="AzureEndpoint"/>.</summary>
    public string BaseUrl { get; set; } = "https://api.openai.com/v1";

    /// <summary><c>https://NAME.openai.azure.com</c> to use Azure OpenAI: with the app's Entra identity, or with <see cref="ApiKey"/> if that is set.</summary>
    public string? AzureEndpoint { get; set; }

    /// <summary>The longest answer, in tokens: 16 to 128,000. Null, the default, is the model's own limit.</summary>
    [Range(16, 128_000, ErrorMessage = "Cosmo:Assistants:MaxOutputTokens must lie between 16 and 128000, or be left out for the model's own limit.")]
    public int? MaxOutputTokens { get; set; }

    /// <summary>A folder with profiles in the place of the app's own; relative to the app's folder.</summary>
    public string? ProfilesPath { get; set; }

    /// <summary>How long one try of a call that is not streamed may take, in seconds: 1 to 100, default 15.</summary>
    [Range(1, 100, ErrorMessage = "Cosmo:Assistants:CallTimeoutSeconds must lie between 1 and 100.")]
    public double CallTimeoutSeconds { get; set; } = 15;

    /// <summary>How long a stream may be silent before it counts as broken, in seconds: 1 to 600, default 60.</summary>
    [Range(1, 600, ErrorMessage = "Cosmo:Assistants:StreamSilenceSeconds must lie between 1 and 600.")]
    public double StreamSilenceSeconds { get; set; } = 60;

    /// <summary>Whether the model is on Azure OpenAI.</summary>
    public bool IsAzure => !string.IsNullOrWhiteSpace(AzureEndpoint);

    /// <summary>The address that the clients use.</summary>
    public Uri Endpoint => IsAzure
        ? new Uri(AzureEndpoint!.TrimEnd('/') + (AzureEndpoint.TrimEnd('/').EndsWith("/openai/v1", StringComparison.OrdinalIgnoreCase) ? "/" : "/openai/v1/"))
        : new Uri(BaseUrl);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(ApiKey) && !IsAzure)
        {
            yield return new("Cosmo:Assistants:ApiKey (OPENAI_API_KEY) is missing; set it, or set Cosmo:Assistants:AzureEndpoint (AZURE_OPENAI_ENDPOINT) to use Azure OpenAI.");
        }

        if (!IsAzure && !IsAddress(BaseUrl, "https", "http"))
        {
            yield return new("Cosmo:Assistants:BaseUrl (OPENAI_BASE_URL) must be an http or https address without a user name, a query or a fragment, such as https://api.openai.com/v1.");
        }

        // An identity's token is never sent in the clear.
        if (IsAzure && !(IsAddress(AzureEndpoint!, "https") || (!string.IsNullOrWhiteSpace(ApiKey) && IsAddress(AzureEndpoint!, "http"))))
        {
            yield return new("Cosmo:Assistants:AzureEndpoint (AZURE_OPENAI_ENDPOINT) must be an https address without a user name, a query or a fragment, such as https://NAME.openai.azure.com.");
        }
    }

    private static bool IsAddress(string text, params string[] schemes) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && schemes.Contains(uri.Scheme) && Address.UnusedPart(uri, takesLogin: false) is null;
}
