using System.ComponentModel;

namespace Cosmo.Functions.Tools;

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
