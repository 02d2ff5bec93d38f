using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Cosmo.Local.Host.Http;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Local.Host;

public sealed class FunctionKeysTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-").FullName;

    private string KeysFile => Path.Combine(_folder, "keys.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_keys_are_kept_for_the_owner_alone()
    {
        var keys = FunctionKeys.Open(_folder);

        FunctionKeys.Open(_folder).MasterKey.ShouldBe(keys.MasterKey);
        FunctionKeys.Open(_folder).SystemKey.ShouldBe(keys.SystemKey);
        keys.MasterKey.Length.ShouldBeGreaterThan(40);
        new[] { keys.MasterKey, keys.DefaultKey, keys.SystemKey }.Distinct().Count().ShouldBe(3);
        ShouldBeOfTheOwnerAlone();
    }

    [Fact]
    public async Task Those_who_make_the_keys_at_once_get_the_same_ones()
    {
        var opened = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => FunctionKeys.Open(_folder))));

        opened.Select(keys => keys.MasterKey).Distinct().Count().ShouldBe(1);
        Directory.GetFiles(_folder).Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_file_without_a_system_key_gets_one_and_keeps_its_others()
    {
        File.WriteAllText(KeysFile, """{"masterKey": "m", "functionKeys": {"default": "f", "other": "g"}}""");

        var opened = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => FunctionKeys.Open(_folder))));

        opened.Select(keys => keys.SystemKey).Distinct().ShouldHaveSingleItem().Length.ShouldBeGreaterThan(40);
        FunctionKeys.Open(_folder).SystemKey.ShouldBe(opened[0].SystemKey);
        Directory.GetFiles(_folder).Length.ShouldBe(1);
        var json = JsonNode.Parse(File.ReadAllText(KeysFile))!;
        json["masterKey"]!.ToString().ShouldBe("m");
        json["functionKeys"]!["other"]!.ToString().ShouldBe("g");
        json["systemKeys"]!["durabletask_extension"]!.ToString().ShouldBe(opened[0].SystemKey);
        ShouldBeOfTheOwnerAlone();
    }

    [Theory]
    [InlineData("Anonymous", "none", true)]
    [InlineData("Function", "none", false)]
    [InlineData("Function", "wrong", false)]
    [InlineData("Function", "function", true)]
    [InlineData("Function", "system", false)]
    [InlineData("Function", "master", true)]
    [InlineData("System", "none", false)]
    [InlineData("System", "function", false)]
    [InlineData("System", "system", true)]
    [InlineData("System", "master", true)]
    [InlineData("Admin", "function", false)]
    [InlineData("Admin", "system", false)]
    [InlineData("Admin", "master", true)]
    public void A_level_is_opened_by_its_keys(string level, string shown, bool opens)
    {
        var keys = FunctionKeys.Open(_folder);
        var key = shown switch
        {
            "function" => keys.DefaultKey,
            "system" => keys.SystemKey,
            "master" => keys.MasterKey,
            "wrong" => keys.DefaultKey + "x",
            _ => null,
        };
        var byHeader = new DefaultHttpContext().Request;
        byHeader.Headers["x-functions-key"] = key;
        var byQuery = new DefaultHttpContext().Request;
        byQuery.QueryString = key is null ? QueryString.Empty : QueryString.Create("code", key);

        keys.Allow(Enum.Parse<AccessLevel>(level), byHeader).ShouldBe(opens);
        keys.Allow(Enum.Parse<AccessLevel>(level), byQuery).ShouldBe(opens);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"masterKey": "", "functionKeys": {}}""")]
    [InlineData("""{"masterKey": "a", "functionKeys": {"default": null}}""")]
    public void A_damaged_file_stops_the_start(string content)
    {
        File.WriteAllText(KeysFile, content);

        Should.Throw<StartupException>(() => FunctionKeys.Open(_folder)).Message.ShouldContain("holds no keys");
    }

    private void ShouldBeOfTheOwnerAlone()
    {
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(KeysFile).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }
}
