using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Cosmo.Local.Host.Http;

/// <summary>
/// The keys that callers of the functions show, kept in <c>keys.json</c> of the data folder. Whichever
/// process comes first makes the file; only its owner may read it.
/// </summary>
internal sealed class FunctionKeys
{
    private const string FileName = "keys.json";
    private const string DurableExtension = "durabletask_extension";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly byte[] _master;
    private readonly byte[][] _functions;
    private readonly byte[] _system;

    private FunctionKeys(Content content)
    {
        MasterKey = content.MasterKey;
        DefaultKey = content.FunctionKeys.GetValueOrDefault("default") ?? content.FunctionKeys.Values.FirstOrDefault() ?? content.MasterKey;
        SystemKey = content.SystemKeys![DurableExtension];
        _master = Digest(MasterKey);
        _functions = [.. content.FunctionKeys.Values.Select(Digest)];
        _system = Digest(SystemKey);
    }

    /// <summary>Opens every function.</summary>
    public string MasterKey { get; }

    /// <summary>Opens the functions of level <see cref="AccessLevel.Function"/>.</summary>
    public string DefaultKey { get; }

    /// <summary>Opens the management of orchestrations.</summary>
    public string SystemKey { get; }

    /// <summary>Reads the keys of a data folder, after making them if there are none.</summary>
    /// <exception cref="StartupException">The folder cannot be used, or the file is damaged.</exception>
    public static FunctionKeys Open(string dataFolder)
    {
        var path = Path.Combine(dataFolder, FileName);
        try
        {
            if (!File.Exists(path))
            {
                Directory.CreateDirectory(dataFolder);
                Create(path);
            }

            var content = JsonSerializer.Deserialize<Content>(File.ReadAllText(path), Json);
            if (content is { MasterKey.Length: > 0, FunctionKeys: { } functionKeys } && functionKeys.Values.All(key => key is { Length: > 0 }))
            {
                return new FunctionKeys(WithSystemKey(content, path));
            }
        }
        catch (JsonException)
        {
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {dataFolder} cannot be used: {error.Message} Give another with --data.", error);
        }

        throw new StartupException($"{path} holds no keys; delete it, and new ones are made.");
    }

    public bool Allow(AccessLevel level, HttpRequest request)
    {
        if (level == AccessLevel.Anonymous)
        {
            return true;
        }

        var shown = request.Headers["x-functions-key"].FirstOrDefault() ?? request.Query["code"].FirstOrDefault();
        return shown is { Length: > 0 } && Opens(level, Digest(shown));
    }

    /// <summary>Every key is compared whatever the others gave, and digests have one length: the time tells nothing about a key.</summary>
    private bool Opens(AccessLevel level, byte[] shown)
    {
        var opens = CryptographicOperations.FixedTimeEquals(shown, _master);
        foreach (var key in _functions)
        {
            opens |= CryptographicOperations.FixedTimeEquals(shown, key) & level == AccessLevel.Function;
        }

        return opens | CryptographicOperations.FixedTimeEquals(shown, _system) & level == AccessLevel.System;
    }

    /// <summary>Gives a file from before there were system keys one. It follows from the master key, so that those who come at once give the same.</summary>
    private static Content WithSystemKey(Content content, string path)
    {
        if (content.SystemKeys?.GetValueOrDefault(DurableExtension) is { Length: > 0 })
        {
            return content;
        }

        var key = Text(HMACSHA512.HashData(Encoding.UTF8.GetBytes(content.MasterKey), Encoding.UTF8.GetBytes(DurableExtension)));
        var completed = content with { SystemKeys = new Dictionary<string, string>(content.SystemKeys ?? []) { [DurableExtension] = key } };
        File.Move(Draft(path, completed), path, overwrite: true);
        return completed;
    }

    private static byte[] Digest(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>The file gets its name when it is whole. One at a time on this machine looks whether there is one: a move alone may take the place of another's file.</summary>
    private static void Create(string path)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(path))));
        using var turn = new Mutex(false, $"Global\\cosmo-keys-{name}");
        try
        {
            turn.WaitOne();
        }
        catch (AbandonedMutexException)
        {
            // Who had it has died; it is ours.
        }

        try
        {
            if (!File.Exists(path))
            {
                File.Move(Draft(path, new Content(NewKey(), new() { ["default"] = NewKey() }, new() { [DurableExtension] = NewKey() })), path);
            }
        }
        finally
        {
            turn.ReleaseMutex();
        }
    }

    private static string Draft(string path, Content content)
    {
        var draft = $"{path}.{Guid.NewGuid():n}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new FileStream(draft, options);
        JsonSerializer.Serialize(file, content, Json);
        return draft;
    }

    private static string NewKey() => Text(RandomNumberGenerator.GetBytes(40));

    private static string Text(byte[] key) => Convert.ToBase64String(key).Replace('+', '-').Replace('/', '_');

    private sealed record Content(string MasterKey, Dictionary<string, string> FunctionKeys, Dictionary<string, string>? SystemKeys);
}
