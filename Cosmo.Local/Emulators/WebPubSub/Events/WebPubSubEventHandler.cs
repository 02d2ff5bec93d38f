namespace Cosmo.Local.Emulators.WebPubSub.Events;

/// <summary>The webhook that takes a hub's events.</summary>
/// <param name="UrlTemplate">Its URL, in which <c>{hub}</c> and <c>{event}</c> are filled in.</param>
/// <param name="UserEvents">The user events it takes: <c>*</c> for all, or names parted by commas.</param>
/// <param name="SystemEvents">Those of <c>connect</c>, <c>connected</c>, <c>disconnected</c>, and of groups <c>joined</c> and <c>left</c>, that it takes.</param>
internal sealed record WebPubSubEventHandler(string UrlTemplate, string UserEvents = "*", params string[] SystemEvents)
{
    public bool TakesUserEvent(string name) =>
        UserEvents == "*" || UserEvents.Split(',', StringSplitOptions.TrimEntries).Contains(name, StringComparer.Ordinal);

    public bool TakesSystemEvent(string name) => SystemEvents.Contains(name, StringComparer.Ordinal);

    public Uri UrlFor(string hub, string eventName) => new(UrlTemplate
        .Replace("{hub}", Uri.EscapeDataString(hub), StringComparison.OrdinalIgnoreCase)
        .Replace("{event}", Uri.EscapeDataString(eventName), StringComparison.OrdinalIgnoreCase));
}
