namespace Cosmo.Functions.Threads.Index;

/// <summary>A thread that a channel had before, and that still stands at OpenAI.</summary>
internal sealed record AbandonedThread(string ThreadId, string Channel)
{
    /// <summary>As it stands in the index. An id has no space.</summary>
    public string Member => $"{ThreadId} {Channel}";

    public static AbandonedThread Parse(string member)
    {
        var space = member.IndexOf(' ');
        return new AbandonedThread(member[..space], member[(space + 1)..]);
    }
}
