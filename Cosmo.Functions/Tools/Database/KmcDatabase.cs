using System.Data.Common;
using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools.Database;

/// <summary>Reads the KMC database, whatever ADO.NET provider it is reached with.</summary>
internal sealed class KmcDatabase(IOptions<DatabaseOptions> options, TimeProvider clock, ILogger<KmcDatabase> logger)
{
    private static readonly JsonNodeOptions AnyCase = new() { PropertyNameCaseInsensitive = true };

    private readonly DatabaseOptions _options = options.Value;

    public bool IsConfigured => _options.IsConfigured;

    /// <summary>The services with their numbers of clients.</summary>
    public Task<DatabaseRows> GetClientsAsync(CancellationToken cancellationToken) => QueryAsync(_options.ClientsCommand, [], cancellationToken);

    /// <summary>The offices that are available in a city for so many people.</summary>
    public Task<DatabaseRows> GetOfficesAsync(string city, int capacity, CancellationToken cancellationToken) =>
        QueryAsync(_options.OfficesCommand, [("@City", city), ("@Capacity", capacity)], cancellationToken);

    private async Task<DatabaseRows> QueryAsync(string text, (string Name, object Value)[] parameters, CancellationToken cancellationToken)
    {
        // The provider's own time limit begins anew with each step, and SQLite's counts only waits for a lock.
        using var limit = new TimeLimit(TimeSpan.FromSeconds(_options.CommandTimeoutSeconds), clock, cancellationToken);
        try
        {
            return await ReadAsync(text, parameters, limit.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && (exception is DbException || limit.IsOver))
        {
            logger.QueryFailed(exception);
            throw new ToolException(limit.IsOver || exception.InnerException is TimeoutException
                ? "The database did not answer in time. Tell the user to try again later."
                : "The database has a problem right now. Tell the user to try again later.");
        }
    }

    private async Task<DatabaseRows> ReadAsync(string text, (string Name, object Value)[] parameters, CancellationToken cancellationToken)
    {
        await using var connection = DbProviderFactories.GetFactory(_options.Provider).CreateConnection()!;
        connection.ConnectionString = _options.ConnectionString;
        await connection.OpenAsync(cancellationToken);
        await using var command = Command(connection, text, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new JsonArray();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (rows.Count == _options.MaxRows)
            {
                return new DatabaseRows(rows, AreAll: false);
            }

            rows.Add(Row(reader));
        }

        return new DatabaseRows(rows, AreAll: true);
    }

    private DbCommand Command(DbConnection connection, string text, (string Name, object Value)[] parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // The text is a setting of the operator; what the model wrote is in the parameters alone.
        command.CommandText = text;
#pragma warning restore CA2100
        command.CommandTimeout = _options.CommandTimeoutSeconds;
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static JsonObject Row(DbDataReader reader)
    {
        var row = new JsonObject(AnyCase);
        for (var column = 0; column < reader.FieldCount; column++)
        {
            row[reader.GetName(column)] = Value(reader.GetValue(column));
        }

        return row;
    }

    private static JsonNode? Value(object value) => value switch
    {
        DBNull => null,
        string text => text,
        bool yes => yes,
        byte or short or int or long => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        float or double => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        decimal number when decimal.IsInteger(number) && Math.Abs(number) <= long.MaxValue => (long)number,
        decimal number => number,
        DateTime time => time.ToString("s", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        byte[] => "(binary)",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };
}

/// <summary>What a command gave. The names of a row's columns are found in any case.</summary>
/// <param name="Items">The rows.</param>
/// <param name="AreAll">Whether there were no more.</param>
internal sealed record DatabaseRows(JsonArray Items, bool AreAll)
{
    /// <summary>Admits to the model that there is more; null if there is not.</summary>
    public string? Note => AreAll
        ? null
        : $"Only the first {Items.Count} rows were read, and totals count these alone. Tell the user that there are more.";
}
