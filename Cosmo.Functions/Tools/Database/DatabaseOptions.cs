using System.ComponentModel.DataAnnotations;
using System.Data.Common;

namespace Cosmo.Functions.Tools.Database;

/// <summary>Access to the KMC database. Section <c>Cosmo:Tools:Database</c>.</summary>
internal sealed class DatabaseOptions : IValidatableObject
{
    public const string Section = "Cosmo:Tools:Database";

    /// <summary>The connection string. Without one, the tools that need the database are not offered.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>The ADO.NET provider, as it is registered. Default <c>Microsoft.Data.SqlClient</c>.</summary>
    public string Provider { get; set; } = "Microsoft.Data.SqlClient";

    /// <summary>Gives the services with their numbers of clients.</summary>
    [Required(ErrorMessage = "Cosmo:Tools:Database:ClientsCommand must not be empty; leave it out for the default.")]
    public string ClientsCommand { get; set; } = "SELECT * FROM vw_ClientCountPerService ORDER BY ClientCount DESC";

    /// <summary>Gives the offices; the parameters are <c>@City</c> and <c>@Capacity</c>.</summary>
    [Required(ErrorMessage = "Cosmo:Tools:Database:OfficesCommand must not be empty; leave it out for the default.")]
    public string OfficesCommand { get; set; } = "EXEC sp_GetAvailableOffices @City, @Capacity";

    /// <summary>How long a command may take, in seconds: 1 to 300, default 15.</summary>
    [Range(1, 300, ErrorMessage = "Cosmo:Tools:Database:CommandTimeoutSeconds must lie between 1 and 300.")]
    public int CommandTimeoutSeconds { get; set; } = 15;

    /// <summary>How many rows of a result the model is given: 1 to 1,000, default 50. What is left out is admitted to.</summary>
    [Range(1, 1000, ErrorMessage = "Cosmo:Tools:Database:MaxRows must lie between 1 and 1000.")]
    public int MaxRows { get; set; } = 50;

    public bool IsConfigured => !string.IsNullOrWhiteSpace(ConnectionString);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IsConfigured)
        {
            yield break;
        }

        if (!DbProviderFactories.TryGetFactory(Provider, out var factory))
        {
            var known = string.Join(", ", DbProviderFactories.GetProviderInvariantNames());
            yield return new($"Cosmo:Tools:Database:Provider must name a registered ADO.NET provider ({known}), which '{Provider}' is not.");
        }
        else if (!CanRead(factory))
        {
            yield return new($"Cosmo:Tools:Database:ConnectionString (MSSQL_CONNECTION_STRING) is not a connection string of {Provider}.");
        }
    }

    private bool CanRead(DbProviderFactory factory)
    {
        try
        {
            using var connection = factory.CreateConnection()!;
            connection.ConnectionString = ConnectionString;
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return false;
        }
    }
}
