using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Messaging;

public sealed class MessagingOptionsTests
{
    [Theory]
    [InlineData("amqp://host")]
    [InlineData("amqp://guest:guest@host:5672/")]
    [InlineData("amqps://ana:p%40ss@host/a%2Fb")]
    public void An_address_whose_parts_all_count_is_taken(string url) => Faults(url).ShouldBeEmpty();

    [Theory]
    [InlineData("amqp://guest:guest@host/?heartbeat=30", "a query")]
    [InlineData("amqp://guest:guest@host#x", "a fragment")]
    [InlineData("amqp://secret@host", "a user name without a password")]
    [InlineData("amqp://guest:guest@host/a/b", "a path of several parts")]
    [InlineData("amqp://guest:se#cret@host", "no address of one broker")]
    public void What_would_be_ignored_is_refused_and_named(string url, string part) =>
        Faults(url).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            fault => fault.ShouldContain("RABBITMQ_URL"), fault => fault.ShouldContain(part), fault => fault.ShouldNotContain("cret"));

    private static List<string> Faults(string url)
    {
        var options = new MessagingOptions { RabbitMQUrl = url };
        var faults = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), faults, validateAllProperties: true);
        return [.. faults.Select(fault => fault.ErrorMessage!)];
    }
}
