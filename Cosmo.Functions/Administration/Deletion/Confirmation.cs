namespace Cosmo.Functions.Administration.Deletion;

/// <summary>Whether a request that destroys is meant.</summary>
internal enum Confirmation
{
    /// <summary>Nothing was said: a dry run.</summary>
    None,

    /// <summary><c>confirm=DELETE</c>.</summary>
    Given,

    /// <summary>Something else was said.</summary>
    Wrong,
}

internal static class Confirmations
{
    public static Confirmation Of(HttpRequest request) => request.Query["confirm"].ToString() switch
    {
        "" => Confirmation.None,
        "DELETE" => Confirmation.Given,
        _ => Confirmation.Wrong,
    };
}
