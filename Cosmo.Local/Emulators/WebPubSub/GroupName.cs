namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>The service's rule for group names.</summary>
internal static class GroupName
{
    public const string Rule = "A group name has 1 to 1024 characters and is not only white space.";

    public static bool IsValid(string group) => group.Length is > 0 and <= 1024 && !string.IsNullOrWhiteSpace(group);
}
