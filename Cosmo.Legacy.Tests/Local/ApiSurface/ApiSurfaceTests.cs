using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Tests.Local.ApiSurface;

public sealed class ApiSurfaceTests
{
    private static readonly string[] OfficialNamespaces = ["Microsoft.", "Azure."];

    [Fact]
    public void Every_public_type_and_member_under_an_official_namespace_is_official()
    {
        var official = OfficialApi.Read(Path.Combine(AppContext.BaseDirectory, "Local", "ApiSurface", "official"));
        var types = typeof(FunctionAttribute).Assembly.GetExportedTypes()
            .Where(type => OfficialNamespaces.Any(prefix => type.Namespace?.StartsWith(prefix, StringComparison.Ordinal) == true))
            .ToList();

        types.ShouldContain(typeof(FunctionAttribute));
        types.SelectMany(official.Strangers).ShouldBeEmpty();
    }
}
