namespace Cosmo.Local.Host.Worker;

/// <summary>The worker's process ended while a function ran. The Durable extension knows this failure by the type's name.</summary>
internal sealed class WorkerProcessExitException(string message) : Exception(message);
