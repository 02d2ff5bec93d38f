using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Assistants;

namespace Cosmo.Functions.Tests.Assistants;

public sealed class AssistantOptionsTests
{
    [Fact]
    public void A_key_is_enough() => Errors(new AssistantOptions { ApiKey = "k" }).ShouldBeEmpty();

    [Fact]
    public void An_Azure_endpoint_is_enough() => Errors(new AssistantOptions { AzureEndpoint = "https://name.openai.azure.com" }).ShouldBeEmpty();

    [Fact]
    public void Without_either_the_error_names_both() =>
        Errors(new AssistantOptions()).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            error => error.ShouldContain("Cosmo:Assistants:ApiKey (OPENAI_API_KEY)"),
            error => error.ShouldContain("Cosmo:Assistants:AzureEndpoint (AZURE_OPENAI_ENDPOINT)"));

    [Theory]
    [InlineData("api.openai.com/v1")]
    [InlineData("https://user:password@api.openai.com/v1")]
    [InlineData("https://api.openai.com/v1#x")]
    [InlineData("ftp://api.openai.com/v1")]
    [InlineData("")]
    public void A_base_address_that_is_none_is_refused(string url) =>
        Errors(new AssistantOptions { ApiKey = "k", BaseUrl = url }).ShouldHaveSingleItem().ShouldContain("Cosmo:Assistants:BaseUrl (OPENAI_BASE_URL)");

    [Fact]
    public void An_identitys_token_is_not_sent_in_the_clear() =>
        Errors(new AssistantOptions { AzureEndpoint = "http://name.openai.azure.com" }).ShouldHaveSingleItem().ShouldContain("https");

    [Theory]
    [InlineData(15)]
    [InlineData(200_000)]
    public void A_length_of_answers_that_the_service_refuses_is_refused_here(int tokens) =>
        Errors(new AssistantOptions { ApiKey = "k", MaxOutputTokens = tokens }).ShouldHaveSingleItem().ShouldContain("Cosmo:Assistants:MaxOutputTokens");

    [Theory]
    [InlineData("https://name.openai.azure.com")]
    [InlineData("https://name.openai.azure.com/")]
    [InlineData("https://name.openai.azure.com/openai/v1")]
    [InlineData("https://name.openai.azure.com/openai/v1/")]
    public void An_Azure_endpoint_leads_to_the_v1_API(string endpoint) =>
        new AssistantOptions { AzureEndpoint = endpoint }.Endpoint.ShouldBe(new Uri("https://name.openai.azure.com/openai/v1/"));

    private static string[] Errors(AssistantOptions options)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        return [.. results.Select(result => result.ErrorMessage!)];
    }
}
