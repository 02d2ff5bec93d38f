namespace Cosmo.Local.Terminal;

/// <summary>How a command of the terminal ends.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>It failed.</summary>
    public const int Failed = 1;

    /// <summary>Something destructive was not confirmed.</summary>
    public const int NotConfirmed = 2;

    /// <summary>What was asked for does not exist.</summary>
    public const int NotFound = 3;

    /// <summary>The deployment does not answer, or not to this key.</summary>
    public const int Unreachable = 4;

    /// <summary>There is no such verb or option, or a value is none that it takes: nothing was done. <c>EX_USAGE</c> of sysexits.h.</summary>
    public const int CalledWrongly = 64;
}
