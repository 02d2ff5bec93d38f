using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Assistants.Profiles;

/// <summary>The profiles: those beside the app, or in a folder of the operators' own, where the built-in one stays unless that has one of its name.</summary>
internal sealed class ProfileCatalog
{
    private const string Folder = "Profiles";

    private readonly Dictionary<string, AssistantProfile> _profiles = new(StringComparer.Ordinal);

    /// <exception cref="OptionsValidationException">A profile cannot be read. It says of each what is wrong, and where.</exception>
    public ProfileCatalog(Toolbox toolbox, IOptions<AssistantOptions> options)
    {
        var own = Path.Combine(AppContext.BaseDirectory, Folder);
        var folder = options.Value.ProfilesPath is { Length: > 0 } path ? Path.GetFullPath(path, AppContext.BaseDirectory) : own;
        var errors = new List<string>();
        if (!Directory.Exists(folder))
        {
            errors.Add($"Cosmo:Assistants:ProfilesPath (PROFILES_PATH): there is no folder {folder}.");
        }

        var files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.md").Order(StringComparer.Ordinal).ToList() : [];
        if (!files.Any(file => Path.GetFileNameWithoutExtension(file) == AssistantProfile.BuiltIn))
        {
            files.Add(Path.Combine(own, AssistantProfile.BuiltIn + ".md"));
        }

        foreach (var file in files)
        {
            if (ProfileFile.Read(file, toolbox.Names, errors) is { } profile)
            {
                _profiles.Add(profile.Name, profile with
                {
                    Model = profile.Model ?? options.Value.Model,
                    MaxOutputTokens = profile.MaxOutputTokens ?? options.Value.MaxOutputTokens,
                });
            }
        }

        if (errors.Count > 0)
        {
            throw new OptionsValidationException(AssistantOptions.Section, typeof(AssistantOptions), errors);
        }

        Id = IdOf(BuiltIn, toolbox.All.Where(tool => BuiltIn.Has(tool.Name)));
    }

    /// <summary>The built-in profile's id: the same for the same instructions, tools and model, and for no others.</summary>
    public string Id { get; }

    public AssistantProfile BuiltIn => _profiles[AssistantProfile.BuiltIn];

    /// <summary>All of them, by name.</summary>
    public IEnumerable<AssistantProfile> All => _profiles.Values.OrderBy(profile => profile.Name, StringComparer.Ordinal);

    /// <summary>The profile of a message that was taken in. One that is not there any more, as a deploy may have it, is the built-in one.</summary>
    /// <param name="name">Null for the built-in one.</param>
    public AssistantProfile Of(string? name) => name is null ? BuiltIn : _profiles.GetValueOrDefault(name, BuiltIn);

    /// <summary>
    /// Whether a message may name it, and which profile it is for then: null for the built-in one. Where that is the only one, a message may say what it
    /// likes: the field is not ours.
    /// </summary>
    public bool TryFind(string? name, out string? profile)
    {
        profile = name is null or AssistantProfile.BuiltIn || _profiles.Count == 1 ? null : name;
        return profile is null || _profiles.ContainsKey(profile);
    }

    private static string IdOf(AssistantProfile profile, IEnumerable<ITool> tools)
    {
        var content = new JsonObject
        {
            ["instructions"] = profile.Instructions,
            ["model"] = profile.Model,
            ["tools"] = new JsonArray([.. tools.Select(tool => new JsonObject
            {
                ["name"] = tool.Name,
                ["description"] = tool.Description,
                ["parameters"] = tool.Parameters.DeepClone(),
            })]),
        };
        return "asst_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content.ToJsonString())))[..24];
    }
}
