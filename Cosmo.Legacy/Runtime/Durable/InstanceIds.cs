namespace Cosmo.Local.Runtime.Durable;

/// <summary>The rules that instance ids follow.</summary>
internal static class InstanceIds
{
    public const int MaxLength = 100;

    public static string New() => Guid.NewGuid().ToString("N");

    /// <exception cref="ArgumentException"><paramref name="instanceId"/> breaks a rule; the message says which.</exception>
    public static void ThrowIfInvalid(string instanceId)
    {
        if (instanceId.Length is 0 or > MaxLength)
        {
            throw new ArgumentException($"An instance id has 1 to {MaxLength} characters; this one has {instanceId.Length}.", nameof(instanceId));
        }

        if (instanceId[0] == '@')
        {
            throw new ArgumentException("An instance id must not start with '@', which marks entities.", nameof(instanceId));
        }

        if (instanceId.Any(c => c is '/' or '\\' or '#' or '?' || char.IsControl(c)))
        {
            throw new ArgumentException("An instance id must not contain '/', '\\', '#', '?' or a control character.", nameof(instanceId));
        }
    }
}
