using Cosmo.Local.Runtime.Indexing;

namespace Cosmo.Local.Runtime.Orchestrations;

/// <summary>A function that the durable engine runs as an activity. Its trigger's parameter is the input, of any type.</summary>
internal sealed record ActivityFunction(IndexedFunction Function);
