namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>What one kind of client means by its frames.</summary>
internal interface IClientProtocol
{
    /// <summary>Carries out one frame.</summary>
    /// <returns>Why the connection must be closed; null if it goes on.</returns>
    /// <exception cref="System.Text.Json.JsonException">The frame is not what the protocol allows.</exception>
    Task<string?> HandleAsync(Frame frame);
}
