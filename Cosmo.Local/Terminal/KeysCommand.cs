using System.CommandLine;
using System.Text.Json.Nodes;
using Cosmo.Local.Host.Http;

namespace Cosmo.Local.Terminal;

/// <summary><c>keys</c>: the keys of the functions on this machine.</summary>
internal sealed class KeysCommand(Option<string?> data, Option<bool> json)
{
    public Command Create()
    {
        var command = new Command("keys", "Prints the keys of the functions on this machine.\n\nExample:\n  curl -H \"x-functions-key: $(cosmo keys --json | jq -r .master)\" …")
        {
            data, json,
        };
        command.SetAction(parsed =>
        {
            var keys = FunctionKeys.Open(CommonOptions.DataFolder(parsed.GetValue(data)));
            Console.WriteLine(parsed.GetValue(json)
                ? new JsonObject { ["master"] = keys.MasterKey, ["default"] = keys.DefaultKey }.ToJsonString()
                : $"master   {keys.MasterKey}\ndefault  {keys.DefaultKey}");
        });
        return command;
    }
}
