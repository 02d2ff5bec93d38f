using System.Runtime.CompilerServices;

namespace Cosmo.Functions.Tests;

/// <summary>What the tests start lives for seconds, in which it does not pay that anything is compiled once more. This process is not concerned: it has begun.</summary>
internal static class ShortLivedProcesses
{
    [ModuleInitializer]
    public static void CompileOnce() => Environment.SetEnvironmentVariable("DOTNET_TC_CallCounting", "0");
}
