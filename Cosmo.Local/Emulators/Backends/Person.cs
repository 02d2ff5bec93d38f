namespace Cosmo.Local.Emulators.Backends;

/// <param name="Role">The role as the API gives it, in JSON: a text or an object.</param>
/// <param name="Activities">What was done, newest first.</param>
internal sealed record Person(string Email, string Role, IReadOnlyList<Activity> Activities)
{
    private static readonly Person[] All =
    [
        new("maria.santos@example.com", """{"role":"Operations Manager","department":"Operations","permissions":["clients.read","offices.write"]}""",
        [
            new(At(1, 14, 5, 10.123), "Update", "Clients", "Changed the contact person of client 1042"),
            new(At(1, 9, 30, 0.5), "Login", null, "Signed in"),
            new(At(2, 16, 45, 59.999), "Update", "Offices", "Raised the capacity of office 17 from 20 to 24"),
            new(At(2, 9, 12, 1), "Login", null, "Signed in"),
            new(At(5, 11, 0, 0), "Create", "Contracts", "Added contract C-2207"),
            new(At(5, 10, 41, 30.25), "Update", "Clients", "Changed the status of client 1038 to active"),
            new(At(12, 15, 20, 20.02), "Delete", "Drafts", "Removed draft 88"),
            new(At(12, 9, 1, 2.75), "Login", null, "Signed in"),
        ]),
        new("juan.delacruz@example.com", "\"Account Executive\"",
        [
            new(At(40, 10, 0, 0), "Login", null, "Signed in"),
            new(At(41, 17, 30, 5), "Update", "Leads", "Moved lead 311 to negotiation"),
            new(At(45, 8, 58, 44), "Login", null, "Signed in"),
        ]),
        new("ana.reyes@example.com", """{"role":"System Administrator","permissions":["*"]}""",
        [
            new(At(1, 22, 15, 3.007), "Update", "Users", "Reset the password of user 77"),
            new(At(3, 22, 2, 0), "Create", "Users", "Added user 78"),
            new(At(6, 23, 59, 59.5), "Update", "Roles", "Gave role Auditor to user 78"),
        ]),
        new("new.hire@example.com", "\"Trainee\"", []),
    ];

    public static Person? Find(HttpContext context) =>
        All.FirstOrDefault(person => person.Email.Equals(context.Request.RouteValues["email"] as string, StringComparison.OrdinalIgnoreCase));

    /// <summary>How long before the beginning of today a time of an earlier day was.</summary>
    private static TimeSpan At(int daysAgo, int hour, int minute, double second) =>
        TimeSpan.FromDays(daysAgo) - new TimeSpan(hour, minute, 0) - TimeSpan.FromMilliseconds(Math.Round(second * 1000));
}

/// <param name="BeforeToday">How long before the beginning of today (UTC) it was.</param>
/// <param name="Table">Null when no table was changed.</param>
internal sealed record Activity(TimeSpan BeforeToday, string Action, string? Table, string Summary);
