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
        SqlIdentity.SignIn(connection);
        await connection.OpenAsync(cancellationToken);
        await using var command = Command(connection, text, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var sets = new List<JsonArray>();
        var (count, areAll) = (0, true);
        do
        {
            var rows = new JsonArray();
            var names = Names(reader);
            while (names.Length > 0 && areAll && await reader.ReadAsync(cancellationToken))
            {
                areAll = count < _options.MaxRows;
                if (areAll)
                {
                    rows.Add(Row(reader, names));
                    count++;
                }
            }

            if (rows.Count > 0)
            {
                sets.Add(rows);
            }
        }
        while (areAll && await reader.NextResultAsync(cancellationToken));

        return new DatabaseRows(sets, areAll);
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

    /// <summary>The columns by names of their own, in any case: a second of one name gets a number, and one without a name is its place.</summary>
    private static string[] Names(DbDataReader reader)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var names = new string[reader.FieldCount];
        for (var column = 0; column < names.Length; column++)
        {
            var name = reader.GetName(column) is { Length: > 0 } given ? given : $"column_{column + 1}";
            names[column] = name;
            for (var number = 2; !taken.Add(names[column]); number++)
            {
                names[column] = $"{name}_{number}";
            }
        }

        return names;
    }

    private static JsonObject Row(DbDataReader reader, string[] names)
    {
        var row = new JsonObject(AnyCase);
        for (var column = 0; column < names.Length; column++)
        {
            row[names[column]] = Value(reader, column);
        }

        return row;
    }

    private static JsonNode? Value(DbDataReader reader, int column)
    {
        try
        {
            return DatabaseValue.ToNode(reader.GetValue(column));
        }
        catch (Exception exception) when (exception is not (DbException or OperationCanceledException))
        {
            return Unreadable(reader, column);
        }
    }

    /// <summary>Some values fit the provider's own types alone, such as a decimal of 38 digits.</summary>
    private static string Unreadable(DbDataReader reader, int column)
    {
        try
        {
            return Convert.ToString(reader.GetProviderSpecificValue(column), CultureInfo.InvariantCulture) ?? "(not readable)";
        }
        catch (Exception exception) when (exception is not (DbException or OperationCanceledException))
        {
            return "(not readable)";
        }
    }
}

/// <summary>What a command gave. The names of a row's columns are found in any case.</summary>
/// <param name="Sets">The results that have rows.</param>
/// <param name="AreAll">Whether there were no more rows.</param>
internal sealed record DatabaseRows(IReadOnlyList<JsonArray> Sets, bool AreAll)
{
    /// <summary>Admits to the model that there is more; null if there is not.</summary>
    public string? Note => AreAll
        ? null
        : $"Only the first {Sets.Sum(rows => rows.Count)} rows were read, and totals count these alone. Tell the user that there are more.";

    /// <summary>The results but this one; null where there are none.</summary>
    public JsonArray? Besides(JsonArray main) => Sets.Where(rows => rows != main).ToArray() is { Length: > 0 } others ? new JsonArray(others) : null;
}
