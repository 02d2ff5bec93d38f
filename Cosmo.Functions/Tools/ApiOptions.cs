namespace Cosmo.Functions.Tools;

/// <summary>Where a service behind a tool is.</summary>
internal sealed class ApiOptions
{
    /// <summary>The address to which the rest of the path is added. Without one, the tool is not offered.</summary>
    public string? BaseUrl { get; set; }

    public bool IsValid => string.IsNullOrWhiteSpace(BaseUrl)
        || (Uri.TryCreate(BaseUrl, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Query.Length + uri.Fragment.Length == 0);
}
