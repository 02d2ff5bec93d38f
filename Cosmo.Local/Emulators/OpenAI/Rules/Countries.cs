namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>Names of countries and their codes. Countries that are cities too are left out.</summary>
internal static class Countries
{
    private static readonly Dictionary<string, string> Codes = new (string Name, string Code)[]
    {
        ("philippines", "PH"), ("japan", "JP"), ("france", "FR"), ("germany", "DE"), ("italy", "IT"), ("spain", "ES"),
        ("portugal", "PT"), ("netherlands", "NL"), ("belgium", "BE"), ("austria", "AT"), ("switzerland", "CH"),
        ("sweden", "SE"), ("norway", "NO"), ("denmark", "DK"), ("finland", "FI"), ("ireland", "IE"), ("england", "GB"),
        ("scotland", "GB"), ("uk", "GB"), ("united kingdom", "GB"), ("usa", "US"), ("united states", "US"), ("america", "US"),
        ("canada", "CA"), ("mexico", "MX"), ("brazil", "BR"), ("argentina", "AR"), ("chile", "CL"), ("australia", "AU"),
        ("new zealand", "NZ"), ("china", "CN"), ("india", "IN"), ("indonesia", "ID"), ("malaysia", "MY"), ("thailand", "TH"),
        ("vietnam", "VN"), ("south korea", "KR"), ("korea", "KR"), ("taiwan", "TW"), ("uae", "AE"), ("egypt", "EG"),
        ("south africa", "ZA"), ("kenya", "KE"), ("nigeria", "NG"), ("turkey", "TR"), ("greece", "GR"), ("poland", "PL"),
        ("colombia", "CO"), ("venezuela", "VE"), ("ecuador", "EC"), ("honduras", "HN"),
    }.ToDictionary(country => country.Name, country => country.Code, StringComparer.OrdinalIgnoreCase);

    /// <summary>The code of a name, or of a code in capitals; null for anything else.</summary>
    public static string? CodeOf(string text) => text switch
    {
        [>= 'A' and <= 'Z', >= 'A' and <= 'Z'] when Codes.ContainsValue(text) => text,
        _ => Codes.GetValueOrDefault(text),
    };
}
