using System.Runtime.CompilerServices;

namespace Azure.Messaging.WebPubSub;

/// <summary>The members of a group, one page at a time.</summary>
/// <param name="read">Reads the page behind a continuation token; the first if that is null.</param>
/// <param name="from">Where to begin, if whoever asks for pages does not say.</param>
internal sealed class GroupMembers(Func<string?, CancellationToken, Task<Page<WebPubSubGroupMember>>> read, string? from) : AsyncPageable<WebPubSubGroupMember>
{
    public override async IAsyncEnumerator<WebPubSubGroupMember> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        await foreach (var page in PagesAsync(from, cancellationToken).ConfigureAwait(false))
        {
            foreach (var member in page.Values)
            {
                yield return member;
            }
        }
    }

    public override IAsyncEnumerable<Page<WebPubSubGroupMember>> AsPages(string? continuationToken = null, int? pageSizeHint = null) =>
        PagesAsync(continuationToken ?? from, CancellationToken.None);

    private async IAsyncEnumerable<Page<WebPubSubGroupMember>> PagesAsync(string? next, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        do
        {
            var page = await read(next, cancellationToken).ConfigureAwait(false);
            yield return page;
            next = page.ContinuationToken;
        }
        while (next is not null);
    }
}
