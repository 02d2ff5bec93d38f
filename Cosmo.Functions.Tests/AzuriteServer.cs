using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Cosmo.Functions.Tests;

/// <summary>Azure Storage's emulator, from npm.</summary>
public sealed class AzuriteServer : ChildServer
{
    // The account that every Azurite has, and its key: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
    private const string Account =
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private const string Version = "AzureFunctionsJobHost:extensions:durableTask:defaultVersion";
    private const string Instance = "RoleInstanceId";

    private readonly int _queuePort = FreePorts.Next();
    private readonly int _tablePort = FreePorts.Next();

    public string ConnectionString =>
        $"{Account};BlobEndpoint=http://127.0.0.1:{Port}/devstoreaccount1;QueueEndpoint=http://127.0.0.1:{_queuePort}/devstoreaccount1;TableEndpoint=http://127.0.0.1:{_tablePort}/devstoreaccount1";

    /// <summary>The settings of one of several instances of the app that have their orchestrations here.</summary>
    /// <param name="instance">Its name.</param>
    /// <param name="version">The version of the orchestrations that it begins.</param>
    public Dictionary<string, string> SettingsOf(string instance, string version) => new()
    {
        ["AzureWebJobsStorage"] = ConnectionString,
        ["AzureFunctionsJobHost:extensions:durableTask:storageProvider:type"] = "AzureStorage",

        // The extension takes what has the machine's name for one instance; these are the names of instances on Azure.
        ["WEBSITE_CURRENT_STAMPNAME"] = "stamp",
        [Instance] = instance,
        [Version] = version,
    };

    protected override ProcessStartInfo Command() => new(
        "node",
        [
            Program(), "--silent", "--disableTelemetry", "--skipApiVersionCheck", "--location", Folder,
            "--blobHost", "127.0.0.1", "--blobPort", Text(Port), "--queueHost", "127.0.0.1", "--queuePort", Text(_queuePort), "--tableHost", "127.0.0.1", "--tablePort", Text(_tablePort),
        ])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        foreach (var port in (int[])[Port, _queuePort, _tablePort])
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", port, cancellationToken);
            }
            catch (SocketException)
            {
                return false;
            }
        }

        return true;
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static string Program([CallerFilePath] string source = "") =>
        Path.Combine(Path.GetDirectoryName(source)!, "Node", "node_modules", "azurite", "dist", "src", "azurite.js");
}
