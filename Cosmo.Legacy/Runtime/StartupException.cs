namespace Cosmo.Local.Runtime;

/// <summary>What is wrong with a setting or a function, in sentences for the operator. The program prints it and exits with 1.</summary>
internal sealed class StartupException : Exception
{
    public StartupException(string message)
        : base(message)
    {
    }

    public StartupException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
