namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>The five fields that the rules know.</summary>
internal enum Topic
{
    Weather,
    Clients,
    Offices,
    AuditLogs,
    Role,
}

/// <summary>The functions of the fields.</summary>
internal static class Topics
{
    public static string Function(this Topic topic) => topic switch
    {
        Topic.Weather => "get_weather",
        Topic.Clients => "get_active_clients_per_service",
        Topic.Offices => "get_available_offices",
        Topic.AuditLogs => "get_user_audit_logs",
        _ => "get_user_role",
    };

    public static string Phrase(this Topic topic) => topic switch
    {
        Topic.Weather => "the weather",
        Topic.Clients => "the active clients",
        Topic.Offices => "available offices",
        Topic.AuditLogs => "audit logs",
        _ => "the role",
    };

    public static bool IsAboutPerson(this Topic topic) => topic is Topic.AuditLogs or Topic.Role;

    public static bool IsAboutPlace(this Topic topic) => topic is Topic.Weather or Topic.Offices;
}
