namespace Cosmo.Local.Runtime.Durable;

/// <summary>No function has the name that was asked for. Another try would not find one either.</summary>
internal sealed class MissingFunctionException(string message) : Exception(message);
