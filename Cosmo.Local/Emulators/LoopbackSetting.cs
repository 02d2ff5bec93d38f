namespace Cosmo.Local.Emulators;

/// <summary>A setting that says where a service is. If that is this machine, a stand-in listens there.</summary>
internal sealed record LoopbackSetting(string Service, string Name, string? Value)
{
    /// <summary>The address if it is a loopback one over http; null if the service is a real one or is not used.</summary>
    public Uri? Address =>
        Uri.TryCreate(Value, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttp && address.IsLoopback ? address : null;

    /// <summary>Why nothing listens.</summary>
    public string Absence => $"{Service} is not started: {Name} {(string.IsNullOrEmpty(Value) ? "is not set" : "points elsewhere")}.";
}
