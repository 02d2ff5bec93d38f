using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Cosmo.Functions.Assistants.Profiles;

/// <summary>Reads a profile: YAML between two lines of three hyphens, then the instructions as Markdown. Says all that is wrong with it, with file and line.</summary>
internal sealed partial class ProfileFile
{
    private const int MostBytes = 262_144;
    private const string Fence = "---";
    private static readonly string[] Efforts = ["none", "minimal", "low", "medium", "high", "xhigh"];
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _path;
    private readonly IReadOnlyCollection<string> _tools;
    private readonly List<string> _errors = [];

    private ProfileFile(string path, IReadOnlyCollection<string> tools) => (_path, _tools) = (path, tools);

    /// <summary>The profile; null if there is anything wrong with it.</summary>
    /// <param name="path">The file; its name is the profile's.</param>
    /// <param name="tools">The names of the tools that there are.</param>
    /// <param name="errors">Gets a sentence for each error.</param>
    public static AssistantProfile? Read(string path, IReadOnlyCollection<string> tools, ICollection<string> errors)
    {
        var file = new ProfileFile(path, tools);
        var profile = file.Read();
        file._errors.ForEach(errors.Add);
        return file._errors.Count == 0 ? profile : null;
    }

    private AssistantProfile? Read()
    {
        var name = Path.GetFileNameWithoutExtension(_path);
        if (!Name().IsMatch(name))
        {
            Say(0, $"'{name}' is no name of a profile: it begins with a small letter or a digit, and has at most 64 small letters, digits and hyphens.");
        }

        if (ReadLines() is not { } lines)
        {
            return null;
        }

        var end = lines[0].TrimEnd() == Fence ? Array.FindIndex(lines, 1, line => line.TrimEnd() == Fence) : 0;
        if (end < 0)
        {
            Say(1, "the line --- that ends the front matter is missing.");
            return null;
        }

        var instructions = string.Join('\n', lines.Skip(end > 0 ? end + 1 : 0)).Trim();
        if (instructions.Length == 0)
        {
            Say(lines.Length, "there are no instructions.");
        }

        return WithFrontMatter(new AssistantProfile(name, instructions), string.Join('\n', lines.Take(Math.Max(end, 0)).Skip(1)));
    }

    private string[]? ReadLines()
    {
        try
        {
            var bytes = File.ReadAllBytes(_path);
            if (bytes.Length > MostBytes)
            {
                Say(0, $"it has {bytes.Length} bytes; at most {MostBytes} are taken.");
                return null;
            }

            return StrictUtf8.GetString(bytes).TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Say(0, "it cannot be read: " + e.Message);
        }
        catch (DecoderFallbackException)
        {
            Say(0, "it is not UTF-8.");
        }

        return null;
    }

    private AssistantProfile WithFrontMatter(AssistantProfile profile, string text)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            Say(LineOf(e.Start), "the front matter is not YAML: " + e.Message);
            return profile;
        }

        if (yaml.Documents.Count == 0)
        {
            return profile;
        }

        if (yaml.Documents[0].RootNode is not YamlMappingNode fields)
        {
            // What has nothing but comments is one empty text.
            if (yaml.Documents[0].RootNode is not YamlScalarNode { Value: null or "" })
            {
                Say(2, "the front matter must be a list of 'name: value'.");
            }

            return profile;
        }

        return fields.Children.Aggregate(profile, (before, field) => With(before, (field.Key as YamlScalarNode)?.Value ?? "", field.Key, field.Value));
    }

    private AssistantProfile With(AssistantProfile profile, string name, YamlNode key, YamlNode value) => name switch
    {
        "model" => profile with { Model = Text(name, value) },
        "fallback_model" => profile with { FallbackModel = Text(name, value) },
        "tools" => profile with { Tools = Tools(value) },
        "max_output_tokens" => profile with { MaxOutputTokens = Number(name, value, 16, 128_000) },
        "reasoning_effort" => profile with { ReasoningEffort = Effort(value) },
        "background" => profile with { IsBackground = Flag(name, value) },
        "compact_after_tokens" => profile with { CompactAfterTokens = Number(name, value, 0, 10_000_000) },
        _ => Unknown(profile, name, key),
    };

    private AssistantProfile Unknown(AssistantProfile profile, string name, YamlNode key)
    {
        Say(LineOf(key.Start), $"'{name}' is no setting of a profile. There are: model, fallback_model, tools, max_output_tokens, reasoning_effort, background, compact_after_tokens.");
        return profile;
    }

    private string? Text(string name, YamlNode value)
    {
        if (value is YamlScalarNode { Value: { Length: > 0 and <= 256 } text } && !string.IsNullOrWhiteSpace(text))
        {
            return text;
        }

        Say(LineOf(value.Start), $"'{name}' must be a text of 1 to 256 characters.");
        return null;
    }

    private string? Effort(YamlNode value)
    {
        if (value is YamlScalarNode { Value: { } text } && Efforts.Contains(text))
        {
            return text;
        }

        Say(LineOf(value.Start), $"'reasoning_effort' must be one of {string.Join(", ", Efforts)}.");
        return null;
    }

    private int Number(string name, YamlNode value, int least, int most)
    {
        if (value is YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text }
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least && number <= most)
        {
            return number;
        }

        Say(LineOf(value.Start), $"'{name}' must be a whole number from {least} to {most}.");
        return 0;
    }

    private bool Flag(string name, YamlNode value)
    {
        if (value is YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } flag)
        {
            return flag.Value == "true";
        }

        Say(LineOf(value.Start), $"'{name}' must be true or false.");
        return false;
    }

    private IReadOnlyList<string>? Tools(YamlNode value)
    {
        if (value is not YamlSequenceNode list || list.Children.Any(one => one is not YamlScalarNode))
        {
            Say(LineOf(value.Start), "'tools' must be a list of names, such as [get_weather]; none is [].");
            return null;
        }

        foreach (var tool in list.Children.Where(one => !_tools.Contains(((YamlScalarNode)one).Value!)))
        {
            Say(LineOf(tool.Start), $"there is no tool '{((YamlScalarNode)tool).Value}'. The tools are: {string.Join(", ", _tools)}.");
        }

        return [.. list.Children.Select(one => ((YamlScalarNode)one).Value!).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>The line in the file: the front matter begins in its second.</summary>
    private static long LineOf(Mark mark) => mark.Line + 1;

    private void Say(long line, string text) => _errors.Add(line > 0 ? $"{_path}, line {line}: {text}" : $"{_path}: {text}");

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,63}$")]
    private static partial Regex Name();
}
