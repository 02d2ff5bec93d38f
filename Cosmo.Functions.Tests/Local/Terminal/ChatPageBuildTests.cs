using Cosmo.Local.Terminal;

namespace Cosmo.Functions.Tests.Local.Terminal;

public sealed class ChatPageBuildTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("cosmo-page-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Without_its_sources_there_is_nothing_to_build()
    {
        IsOutdated.ShouldBeFalse();
        (await new ChatPageBuild(_root, _root).TryRunAsync(TestContext.Current.CancellationToken)).ShouldBeNull();
    }

    [Theory]
    [InlineData("page/package.json")]
    [InlineData("page/package-lock.json")]
    [InlineData("page/src/turn/Turn.tsx")]
    [InlineData("page/public/icon.svg")]
    [InlineData("src/chat.ts")]
    public void It_is_built_when_it_never_was_and_when_what_it_is_made_of_has_changed(string changed)
    {
        Write("page/package.json");
        IsOutdated.ShouldBeTrue();
        Write(changed);
        Write("page/dist/index.html", TimeSpan.FromSeconds(1));
        IsOutdated.ShouldBeFalse();

        Write(changed, TimeSpan.FromSeconds(2));

        IsOutdated.ShouldBeTrue();
    }

    [Theory]
    [InlineData("page/test/words.test.ts")]
    [InlineData("page/node_modules/vite/package.json")]
    [InlineData("test/ask.test.ts")]
    public void What_is_not_part_of_it_does_not_count(string changed)
    {
        Write("page/package.json");
        Write("page/dist/index.html", TimeSpan.FromSeconds(1));

        Write(changed, TimeSpan.FromSeconds(2));

        IsOutdated.ShouldBeFalse();
    }

    private bool IsOutdated => new ChatPageBuild(_root, _root).IsOutdated;

    /// <summary>Writes a file of the client's folder, at a time that is told by how much later it is.</summary>
    private void Write(string path, TimeSpan later = default)
    {
        var file = Path.Combine(_root, "Cosmo.Client", path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, "");
        File.SetLastWriteTimeUtc(file, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc) + later);
    }
}
