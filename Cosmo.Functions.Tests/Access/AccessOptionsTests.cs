using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Access;
using Microsoft.Extensions.Configuration;

namespace Cosmo.Functions.Tests.Access;

public sealed class AccessOptionsTests
{
    [Theory]
    [InlineData("Cosmo:Access:Mode (CHANNEL_ACCESS) must be", "Mode=everybody")]
    [InlineData("Cosmo:Access:Mode (CHANNEL_ACCESS) must be", "Mode=Owner")]
    [InlineData("Cosmo:Access:ClientMessages (CLIENT_MESSAGES) must be", "ClientMessages=all")]
    [InlineData("Cosmo:Access:Authority must be", "Authority=http://login.example.com", "Audience=a")]
    [InlineData("Cosmo:Access:Authority must be", "Authority=login.example.com", "Audience=a")]
    [InlineData("Cosmo:Access:Authority must be", "Authority=https://login.example.com/?tenant=1", "Audience=a")]
    [InlineData("Cosmo:Access:Authority must be", "Authority=https://me:secret@login.example.com/", "Audience=a")]
    [InlineData("go together", "Authority=https://login.example.com")]
    [InlineData("go together", "Audience=a")]
    [InlineData("Cosmo:Access:DecisionUrl must be", "DecisionUrl=/may")]
    [InlineData("Cosmo:Access:DecisionUrl must be", "DecisionUrl=ftp://app.example.com/may")]
    [InlineData("Cosmo:Access:DecisionUrl must be", "DecisionUrl=https://me:secret@app.example.com/may")]
    [InlineData("Cosmo:Access:UserClaim must", "UserClaim= ")]
    [InlineData("Cosmo:Access:RolesClaim must", "RolesClaim= ")]
    [InlineData("Cosmo:Access:ChannelsClaim must", "ChannelsClaim= ")]
    public void A_setting_that_is_wrong_is_named(string sentence, params string[] settings) =>
        Faults(settings).ShouldHaveSingleItem().ShouldContain(sentence);

    [Theory]
    [InlineData]
    [InlineData("Mode=owner")]
    [InlineData("Mode=claim", "Authority=https://login.example.com/tenant/v2.0", "Audience=a", "ChannelsClaim=rooms")]
    [InlineData("Authority=http://127.0.0.1:1234", "Audience=a", "DecisionUrl=http://app:8080/may?code=abc")]
    [InlineData("Authority=", "Audience=", "DecisionUrl=")]
    public void Others_do(params string[] settings) => Faults(settings).ShouldBeEmpty();

    private static List<string> Faults(string[] settings)
    {
        var configuration = new ConfigurationManager();
        configuration.AddInMemoryCollection(settings.Select(setting => setting.Split('=', 2)).ToDictionary(pair => pair[0], pair => (string?)pair[1]));
        var options = new AccessOptions();
        configuration.Bind(options);
        var faults = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), faults, validateAllProperties: true);
        return [.. faults.Select(fault => fault.ErrorMessage!)];
    }
}
