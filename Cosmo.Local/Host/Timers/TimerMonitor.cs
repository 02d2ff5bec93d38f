using System.Text.Json;

namespace Cosmo.Local.Host.Timers;

/// <summary>Keeps the past of each schedule in the data folder, so that the next start knows what was missed.</summary>
internal sealed class TimerMonitor(string dataFolder, ILogger logger)
{
    private readonly string _folder = Path.Combine(dataFolder, "timers");

    /// <summary>What was kept, or null if that is nothing or is damaged.</summary>
    public ScheduleStatus? Read(string function)
    {
        try
        {
            return JsonSerializer.Deserialize<ScheduleStatus>(File.ReadAllText(PathOf(function)));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            Log.TimerStatusLost(logger, function, error.Message);
            return null;
        }
    }

    public void Write(string function, ScheduleStatus status)
    {
        try
        {
            Directory.CreateDirectory(_folder);
            var draft = PathOf(function) + ".new";
            File.WriteAllText(draft, JsonSerializer.Serialize(status));
            File.Move(draft, PathOf(function), overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.TimerStatusLost(logger, function, error.Message);
        }
    }

    private string PathOf(string function) => Path.Combine(_folder, $"{function}.json");
}
