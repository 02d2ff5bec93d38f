using System.Security.Cryptography;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>Ids as the service makes them: a prefix that says of what, and a random part.</summary>
internal static class Ids
{
    public static string New(string prefix) => $"{prefix}_{RandomNumberGenerator.GetHexString(48, lowercase: true)}";

    public static string NewCall() => $"call_{RandomNumberGenerator.GetHexString(24, lowercase: true)}";
}
