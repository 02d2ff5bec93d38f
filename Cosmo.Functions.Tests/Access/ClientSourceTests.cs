using System.Net;
using Cosmo.Functions.Access;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Access;

public class ClientSourceTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7", "::ffff:192.0.2.7", true)]
    [InlineData("192.0.2.7", "192.0.2.8", false)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    public void An_IPv4_address_is_a_source_and_so_is_a_network_of_IPv6_ones(string one, string other, bool isSame) =>
        (ClientSource.Of(IPAddress.Parse(one)) == ClientSource.Of(IPAddress.Parse(other))).ShouldBe(isSame);

    [Fact]
    public void What_a_client_writes_into_a_header_changes_nothing()
    {
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.7");
        http.Request.Headers["X-Forwarded-For"] = "198.51.100.1, 198.51.100.2";

        ClientSource.Of(http.Request).ShouldBe(ClientSource.Of(IPAddress.Parse("192.0.2.7")));
    }
}
