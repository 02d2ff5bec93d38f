namespace Cosmo.Local.Host.Http;

/// <summary>The key that a function asks for: <c>authLevel</c> of its HTTP trigger.</summary>
internal enum AccessLevel
{
    /// <summary>None.</summary>
    Anonymous,

    /// <summary>A function key, or the master key.</summary>
    Function,

    /// <summary>The system key, or the master key.</summary>
    System,

    /// <summary>The master key.</summary>
    Admin,
}
