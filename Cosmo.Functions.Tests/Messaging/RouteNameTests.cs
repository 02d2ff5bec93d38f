using System.Buffers.Text;
using System.Text;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Local.Terminal;
using Cosmo.Functions.Tests.Local.WebPubSub;
using Microsoft.AspNetCore.Mvc;
using LocalRouteName = Cosmo.Local.Host.RouteName;

namespace Cosmo.Functions.Tests.Messaging;

public class RouteNameTests
{
    [Theory]
    [InlineData("a", "a")]
    [InlineData("team%2Fa%2fb", "team/a/b")]
    [InlineData("team%5Ca%5cb\\", "team\\a\\b\\")]
    [InlineData("a~", "a~")]
    [InlineData("...", "...")]
    [InlineData("~YQ", "a")]
    [InlineData("~NTAl", "50%")]
    [InlineData("~Lg", ".")]
    [InlineData("~fmE", "~a")]
    [InlineData("~AA", "\0")]
    public void A_name_is_read_as_it_was_meant(string route, string name)
    {
        RouteName.TryRead(route, out var read).ShouldBeTrue();
        read.ShouldBe(name);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("50%")]
    [InlineData("%41")]
    [InlineData("a%00")]
    [InlineData("%252F")]
    [InlineData("a\nb")]
    [InlineData("\u0085")]
    [InlineData("~")]
    [InlineData("~IA")]
    [InlineData("~YR")]
    [InlineData("~YQ=")]
    [InlineData("~YQ==")]
    [InlineData("~Y Q")]
    [InlineData("~Y")]
    [InlineData("~a+b/")]
    [InlineData("~/w")]
    [InlineData("~_w")]
    [InlineData("~7aC9")]
    [InlineData("~wIA")]
    public void Another_form_of_a_name_or_no_name_is_refused(string route) => RouteName.TryRead(route, out _).ShouldBeFalse();

    [Fact]
    public void A_name_has_512_characters_at_most()
    {
        RouteName.TryRead(new string('x', 512), out _).ShouldBeTrue();
        RouteName.TryRead(new string('x', 513), out _).ShouldBeFalse();
        RouteName.TryRead(Encoded(new string('é', 512)), out _).ShouldBeTrue();
        RouteName.TryRead(Encoded(new string('é', 513)), out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Whatever_is_written_is_read_again_and_every_client_of_ours_writes_the_same_or_what_reads_the_same()
    {
        await using var client = await NodeScript.StartAsync("names.mjs", Path.Combine(CosmoScript.Root, "Cosmo.Client", "src", "route-name.ts"));
        foreach (var name in OddNames.All)
        {
            foreach (var written in (string[])[RouteName.Write(name), LocalRouteName.Write(name), (await client.RunAsync("write", new { name })).GetString()!])
            {
                Uri.EscapeDataString(written).ShouldBe(written);
                RouteName.TryRead(written, out var read).ShouldBeTrue(written);
                read.ShouldBe(name);
            }
        }
    }

    [Theory]
    [InlineData("user_session_abc123", "user_session_abc123")]
    [InlineData("a.b~c-d", "a.b~c-d")]
    [InlineData(".", "~Lg")]
    [InlineData("..", "~Li4")]
    [InlineData("Stats", "~U3RhdHM")]
    [InlineData("team/a", "~dGVhbS9h")]
    public void A_name_that_nobody_changes_on_the_way_is_written_plain(string name, string written) => RouteName.Write(name).ShouldBe(written);

    [Fact]
    public void Who_names_none_is_told_what_a_name_is()
    {
        Told(RouteName.NotAChannel).ShouldBe(("Not a channel", "A channel has 1 to 512 characters, not only white space"));
        Told(RouteName.NotAMessage).ShouldBe(("Not a message", "A message id has 1 to 512 characters, not only white space"));

        static (string?, string?) Told(IActionResult answer)
        {
            var problem = answer.ShouldBeOfType<ObjectResult>().Value.ShouldBeOfType<ProblemDetails>();
            return (problem.Title, problem.Detail?.Split(", percent")[0]);
        }
    }

    private static string Encoded(string name) => '~' + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name));
}
