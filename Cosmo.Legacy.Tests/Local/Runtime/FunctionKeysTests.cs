using Cosmo.Local.Runtime;
using Cosmo.Local.Runtime.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Tests.Local.Runtime;

public sealed class FunctionKeysTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-").FullName;

    [Fact]
    public void The_keys_are_kept_for_the_owner_alone()
    {
        var keys = FunctionKeys.Open(_folder);

        FunctionKeys.Open(_folder).MasterKey.ShouldBe(keys.MasterKey);
        keys.MasterKey.Length.ShouldBeGreaterThan(40);
        keys.DefaultKey.ShouldNotBe(keys.MasterKey);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(Path.Combine(_folder, "keys.json")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    [Fact]
    public async Task Those_who_make_the_keys_at_once_get_the_same_ones()
    {
        var opened = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => FunctionKeys.Open(_folder))));

        opened.Select(keys => keys.MasterKey).Distinct().Count().ShouldBe(1);
        Directory.GetFiles(_folder).Length.ShouldBe(1);
    }

    [Theory]
    [InlineData(AuthorizationLevel.Anonymous, "none", true)]
    [InlineData(AuthorizationLevel.Function, "none", false)]
    [InlineData(AuthorizationLevel.Function, "wrong", false)]
    [InlineData(AuthorizationLevel.Function, "function", true)]
    [InlineData(AuthorizationLevel.Function, "master", true)]
    [InlineData(AuthorizationLevel.Admin, "function", false)]
    [InlineData(AuthorizationLevel.Admin, "master", true)]
    public void A_level_is_opened_by_its_keys(AuthorizationLevel level, string shown, bool opens)
    {
        var keys = FunctionKeys.Open(_folder);
        var key = shown switch { "function" => keys.DefaultKey, "master" => keys.MasterKey, "wrong" => keys.DefaultKey + "x", _ => null };
        var byHeader = new DefaultHttpContext().Request;
        byHeader.Headers["x-functions-key"] = key;
        var byQuery = new DefaultHttpContext().Request;
        byQuery.QueryString = key is null ? QueryString.Empty : QueryString.Create("code", key);

        keys.Allow(level, byHeader).ShouldBe(opens);
        keys.Allow(level, byQuery).ShouldBe(opens);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"masterKey": "", "functionKeys": {}}""")]
    [InlineData("""{"masterKey": "a", "functionKeys": {"default": null}}""")]
    public void A_damaged_file_stops_the_start(string content)
    {
        File.WriteAllText(Path.Combine(_folder, "keys.json"), content);

        Should.Throw<StartupException>(() => FunctionKeys.Open(_folder)).Message.ShouldContain("holds no keys");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
