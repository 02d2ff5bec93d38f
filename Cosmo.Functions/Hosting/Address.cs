namespace Cosmo.Functions.Hosting;

/// <summary>Addresses of services, as settings give them.</summary>
internal static class Address
{
    /// <summary>The part of an address of which no use would be made, as words for a sentence; null if there is none.</summary>
    /// <param name="address">An absolute address.</param>
    /// <param name="takesLogin">Whether a user name and a password are used; then neither stands alone.</param>
    public static string? UnusedPart(Uri address, bool takesLogin) => address switch
    {
        { UserInfo.Length: > 0 } when !takesLogin => "a user name or password",
        { UserInfo.Length: > 0 } when !address.UserInfo.Contains(':') => "a user name without a password (a password alone is written :password@)",
        { Query.Length: > 0 } => "a query (?…)",
        { Fragment.Length: > 0 } => "a fragment (#…; in a password # is written %23)",
        _ => null,
    };
}
