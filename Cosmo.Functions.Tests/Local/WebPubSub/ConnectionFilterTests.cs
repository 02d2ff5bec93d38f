using Cosmo.Local.Emulators.WebPubSub.Rest;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

public sealed class ConnectionFilterTests
{
    [Theory]
    [InlineData("userId eq 'user1'", true)]
    [InlineData("USERID eq 'user1'", true)]
    [InlineData("userId eq 'User1'", false)]
    [InlineData("userId ne null", true)]
    [InlineData("userId in ('a','user1')", true)]
    [InlineData("userId in ('a','b')", false)]
    [InlineData("'g1' in groups", true)]
    [InlineData("'g3' in groups", false)]
    [InlineData("not ('g3' in groups)", true)]
    [InlineData("not (length(userId) gt 5)", true)]
    [InlineData("connectionId eq 'it''s'", true)]
    [InlineData("userId eq 'x' or userId eq 'y' and false", false)]
    [InlineData("true or false and false", true)]
    [InlineData("(true or false) and false", false)]
    [InlineData("toupper(userId) eq 'USER1'", true)]
    [InlineData("tolower(concat(userId, 'X')) eq 'user1x'", true)]
    [InlineData("trim('  a ') eq 'a'", true)]
    [InlineData("substring(userId, 4) eq '1'", true)]
    [InlineData("substring(userId, 0, 4) eq 'user'", true)]
    [InlineData("substring(userId, 99) eq ''", true)]
    [InlineData("indexof(userId, 'er') eq 2", true)]
    [InlineData("startswith(userId, 'us') and endswith(userId, '1') and contains(userId, 'ser')", true)]
    [InlineData("length(userId) ge 5 and length(userId) le 5 and not (length(userId) lt 5)", true)]
    [InlineData("userId gt 'user0' and userId lt 'user2'", true)]
    [InlineData("-1 lt 0", true)]
    public void A_filter_is_true_of_some_connections(string text, bool isTrue) => ConnectionFilterOf(text, "user1").ShouldBe(isTrue);

    [Theory]
    [InlineData("userId eq null", true)]
    [InlineData("userId gt 'a'", false)]
    [InlineData("length(userId) eq 0", false)]
    [InlineData("contains(userId, '')", false)]
    [InlineData("userId in ('a')", false)]
    public void Who_has_no_name_is_null(string text, bool isTrue) => ConnectionFilterOf(text, null).ShouldBe(isTrue);

    [Theory]
    [InlineData("", "The filter is not valid: its end is not known.")]
    [InlineData("userId", "The filter is not valid: its end follows what is neither true nor false.")]
    [InlineData("userId eq 5", "The filter is not valid: its end follows a comparison of what cannot be compared.")]
    [InlineData("userId is 'a'", "The filter is not valid: 'is' at position 7 is not expected.")]
    [InlineData("not length(userId) gt 5", "The filter is not valid: 'gt' at position 19 follows what is neither true nor false.")]
    [InlineData("name eq 'a'", "The filter is not valid: 'name' at position 0 is not known.")]
    [InlineData("userId eq 'a", "The filter is not valid at position 10.")]
    [InlineData("userId eq \"a\"", "The filter is not valid at position 10.")]
    [InlineData("length('a', 'b') eq 1", "The filter is not valid: 'eq' at position 17 ends length, whose arguments are not what it takes.")]
    [InlineData("userId in groups and groups eq 'a'", "The filter is not valid: its end follows a comparison of what cannot be compared.")]
    [InlineData("(userId eq 'a'", "The filter is not valid: its end stands where ) should.")]
    [InlineData("userId in (1, 2)", "The filter is not valid: its end ends a list whose items are of another type than what is looked for.")]
    [InlineData("userId eq 'a' userId", "The filter is not valid: 'userId' at position 14 is not expected.")]
    [InlineData("true gt false", "The filter is not valid: its end follows a comparison of what cannot be compared.")]
    public void What_is_no_filter_is_told(string text, string message) =>
        Should.Throw<FormatException>(() => ConnectionFilter.Parse(text)).Message.ShouldBe(message);

    [Fact]
    public void A_filter_that_goes_too_deep_is_refused_before_the_stack_ends() =>
        Should.Throw<FormatException>(() => ConnectionFilter.Parse(new string('(', 900))).Message.ShouldBe("The filter is nested more than 50 deep.");

    [Fact]
    public void A_filter_that_is_too_long_is_refused() =>
        Should.Throw<FormatException>(() => ConnectionFilter.Parse(string.Join(" or ", Enumerable.Repeat("true", 900)))).Message.ShouldBe("The filter has more than 1000 words and signs.");

    private static bool ConnectionFilterOf(string text, string? userId) =>
        ConnectionFilter.Parse(text).Matches(new FilterRow(userId, "it's", group => group is "g1" or "g2"));
}
