using System.ComponentModel;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools.Audit;

/// <summary>Asks the services that know private data about people, and says who may.</summary>
internal sealed class PersonalData(ApiClient api, IOptions<ToolOptions> options)
{
    /// <summary>Who may ask for it.</summary>
    public static IReadOnlyList<string> Roles { get; } = ["auditor"];

    private readonly ToolOptions _options = options.Value;

    /// <summary>Whether what a service at this address needs is set.</summary>
    public bool IsConfigured(ApiOptions service) => !string.IsNullOrWhiteSpace(service.BaseUrl) && !string.IsNullOrWhiteSpace(_options.ApiKey);

    /// <summary>What a service knows of a person: the member <c>data</c> of its answer. Throws <see cref="ToolException"/>, also where it knows nobody.</summary>
    /// <param name="rest">What follows the person in the address.</param>
    public async Task<ForeignJson> GetAsync(string name, ApiOptions service, EmailArguments person, string rest, CancellationToken cancellationToken)
    {
        var uri = new Uri($"{service.BaseUrl!.TrimEnd('/')}/{person.Encoded()}{rest}");
        var found = await api.GetAsync(name, uri, _options.ApiKey, cancellationToken)
            ?? throw new ToolException("There is no user with this e-mail address. Ask the user to check it.");
        return found["data"] ?? throw ApiClient.Unreadable(name);
    }
}

/// <summary>The arguments of the tools that look up a person.</summary>
internal sealed record EmailArguments([Description("The e-mail address of the user who is looked up.")] string Email)
{
    /// <summary>The address for use in a path. Throws <see cref="ToolException"/> if it is none.</summary>
    public string Encoded()
    {
        var email = Email.Trim();
        var at = email.IndexOf('@', StringComparison.Ordinal);
        if (email.Length > 254 || at < 1 || at != email.LastIndexOf('@') || at == email.Length - 1 || email.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
        {
            throw new ToolException("The argument 'email' must be one e-mail address. Ask the user for it.");
        }

        return Uri.EscapeDataString(email);
    }
}
