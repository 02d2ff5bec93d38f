namespace Cosmo.Functions.Tools;

/// <summary>A tool could not do its work. The message goes to the model: short, without secrets, something it can act on.</summary>
internal sealed class ToolException(string message, Exception? innerException = null) : Exception(message, innerException);
