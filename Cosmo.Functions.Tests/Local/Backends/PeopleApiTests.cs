using System.Globalization;
using System.Net;

namespace Cosmo.Functions.Tests.Local.Backends;

public sealed class PeopleApiTests(BackendsFixture backends) : IClassFixture<BackendsFixture>
{
    [Fact]
    public async Task Audit_logs_come_newest_first_with_and_without_fractions_and_tables()
    {
        var (status, body) = await backends.GetAsync("audit/maria.santos%40example.com", "key");
        var data = body["data"]!;
        var items = data["items"]!.AsArray();
        var dates = items.Select(item => item!["createdAt"]!.ToString()).ToList();

        status.ShouldBe(HttpStatusCode.OK);
        data["totalCount"]!.GetValue<int>().ShouldBe(items.Count);
        dates.Select(date => DateTime.Parse(date, CultureInfo.InvariantCulture)).ShouldBeInOrder(SortDirection.Descending);
        dates.ShouldContain(date => date.Contains('.'));
        dates.ShouldContain(date => !date.Contains('.'));
        items.ShouldContain(item => item!["tableName"] == null);
        items.ShouldContain(item => item!["tableName"] != null);
    }

    [Fact]
    public async Task A_person_without_activity_has_an_empty_list()
    {
        var (status, body) = await backends.GetAsync("audit/new.hire@example.com", "key");

        status.ShouldBe(HttpStatusCode.OK);
        body["data"]!["items"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_role_is_a_text_or_an_object()
    {
        (await backends.GetAsync("users/juan.delacruz%40example.com/role", "key")).Body["data"]!.ToString().ShouldBe("Account Executive");
        (await backends.GetAsync("users/maria.santos%40example.com/role", "key")).Body["data"]!["role"]!.ToString().ShouldBe("Operations Manager");
    }

    [Theory]
    [InlineData("audit/nobody@example.com", "key", HttpStatusCode.NotFound)]
    [InlineData("users/nobody@example.com/role", "key", HttpStatusCode.NotFound)]
    [InlineData("audit/maria.santos@example.com", null, HttpStatusCode.Unauthorized)]
    [InlineData("users/maria.santos@example.com/role", null, HttpStatusCode.Unauthorized)]
    public async Task Strangers_and_calls_without_a_key_are_refused(string path, string? key, HttpStatusCode status) =>
        (await backends.GetAsync(path, key)).Status.ShouldBe(status);
}
