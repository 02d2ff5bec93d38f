using Cosmo.Local.Emulators;

namespace Cosmo.Functions.Tests.Local;

public sealed class ChatPageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-page-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_page_that_was_built_for_Azure_speaks_to_the_functions_of_this_machine_all_the_same()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "config.json"), """{"functionsUrl":"https://func.azurewebsites.net/api"}""", Cancellation);
        await using var page = await ChatPage.StartAsync(
            new ChatPageOptions { Url = new("http://127.0.0.1:0"), Functions = new("http://127.0.0.1:7171/api"), WebPubSub = null, Key = "key", Folder = _folder.FullName }, Cancellation);
        using var client = new HttpClient();

        (await client.GetStringAsync(new Uri(page.Url, "config.json"), Cancellation)).ShouldStartWith("""{"functionsUrl":"http://127.0.0.1:7171/api",""");
    }
}
