using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Delivery;

namespace Cosmo.Functions.Tests.Delivery;

public sealed class DeliveryOptionsTests
{
    private const string Key = "AccessKey=a-key-of-some-length-0123456789;Version=1.0;";

    [Theory]
    [InlineData($"Endpoint=https://x.webpubsub.azure.com;{Key}", null)]
    [InlineData($"Endpoint=http://127.0.0.1;Port=8080;{Key}", null)]
    [InlineData(null, "https://x.webpubsub.azure.com")]
    public void What_is_used_whole_is_taken(string? connectionString, string? endpoint) => Errors(connectionString, endpoint).ShouldBeEmpty();

    [Theory]
    [InlineData(null, null, "either")]
    [InlineData($"Endpoint=https://x.webpubsub.azure.com;{Key}", "https://x.webpubsub.azure.com", "either")]
    [InlineData($"Endpoint=https://x.webpubsub.azure.com;{Key}Audience=x", null, "WEB_PUBSUB_CONNECTION_STRING")]
    [InlineData(null, "https://user:x@x.webpubsub.azure.com", "WEB_PUBSUB_ENDPOINT")]
    [InlineData(null, "https://x.webpubsub.azure.com?hub=x", "WEB_PUBSUB_ENDPOINT")]
    public void A_part_that_would_be_ignored_is_refused(string? connectionString, string? endpoint, string name) =>
        Errors(connectionString, endpoint).ShouldHaveSingleItem().ShouldContain(name);

    private static IEnumerable<string> Errors(string? connectionString, string? endpoint)
    {
        var options = new DeliveryOptions { ConnectionString = connectionString, Endpoint = endpoint is null ? null : new Uri(endpoint) };
        return options.Validate(new ValidationContext(options)).Select(error => error.ErrorMessage!);
    }
}
