using System.CommandLine;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary><c>assistant …</c>: the profile whose id stands in Redis.</summary>
internal sealed class AssistantCommands(OperatorCommands operators)
{
    public Command Create()
    {
        var id = new Argument<string>("ID") { Description = "The assistant's id." };
        return new Command("assistant", "Looks at the assistant's profile, stores its id and deletes it.")
        {
            operators.Verb("show", "The stored assistant.", "cosmo assistant show", [], async (_, session) =>
                session.Show(await session.GetAsync("assistant"), answer => session.Console.Write(Tables.Fields(answer)))),
            operators.Verb("create", "Stores the id of the assistant in use, if it is not stored.", "cosmo assistant create", [], async (_, session) =>
                session.Show(await session.PostAsync("assistant"), answer => Console.WriteLine(answer["id"]))),
            operators.Verb("delete", "Deletes the stored id, if it is this one.", "cosmo assistant delete asst_0123", [id], async (parsed, session) =>
            {
                var address = $"assistant?id={Uri.EscapeDataString(parsed.GetValue(id)!)}";
                await session.DeleteAsync(address);
                session.Confirm("The assistant's id will be deleted from Redis.");
                return session.Show(await session.DeleteAsync($"{address}&confirm=DELETE"), _ => session.Console.WriteLine("Deleted."));
            }),
        };
    }
}
