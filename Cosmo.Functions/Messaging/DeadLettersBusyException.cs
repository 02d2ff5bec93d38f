namespace Cosmo.Functions.Messaging;

/// <summary>The dead letters are being read or replayed by somebody else.</summary>
internal sealed class DeadLettersBusyException() : Exception("The dead letters are being read or replayed by somebody else.");
