namespace Microsoft.DurableTask;

/// <summary>The results of a query, fetched page by page as they are enumerated.</summary>
#pragma warning disable CA1710 // The official name.
public abstract class AsyncPageable<T> : IAsyncEnumerable<T>
#pragma warning restore CA1710
    where T : notnull
{
    public abstract IAsyncEnumerable<Page<T>> AsPages(string? continuationToken = null, int? pageSizeHint = null);

    public async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        await foreach (var page in AsPages().WithCancellation(cancellationToken))
        {
            foreach (var value in page.Values)
            {
                yield return value;
            }
        }
    }
}
