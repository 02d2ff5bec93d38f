using Cosmo.Functions.Tests;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace Cosmo.Functions.Tests;

/// <summary>
/// What takes long begins first, so that no processor waits for the last of it: the collections of many classes, which come one after the other, the random inputs,
/// whose time is fixed, and whatever starts all of Cosmo.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long = [EndToEnd.Page.SharedPage.Name, nameof(EndToEnd.OneStackForAll), nameof(Administration.OnOneHost), ".Fuzzing.", ".EndToEnd.", ".Local."];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(Rank)];

    private static int Rank<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection =>
        Array.FindIndex(Long, part => collection.TestCollectionDisplayName.Contains(part, StringComparison.Ordinal)) is >= 0 and var rank ? rank : Long.Length;
}
