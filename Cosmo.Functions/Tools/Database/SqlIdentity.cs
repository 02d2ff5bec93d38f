using System.Data.Common;
using Azure.Core;
using Azure.Identity;
using Microsoft.Data.SqlClient;

namespace Cosmo.Functions.Tools.Database;

/// <summary>Lets the app's identity sign in to Azure SQL where the connection string names nobody: no user, no integrated security, no authentication of the client's own.</summary>
internal static class SqlIdentity
{
    private static readonly DefaultAzureCredential Credential = new();

    // Always the same delegate: the client keeps a pool of connections for each.
    private static readonly Func<SqlAuthenticationParameters, CancellationToken, Task<SqlAuthenticationToken>> GetToken = GetTokenAsync;

    public static void SignIn(DbConnection connection)
    {
        if (connection is SqlConnection sql && new SqlConnectionStringBuilder(sql.ConnectionString) is
            { UserID: "", IntegratedSecurity: false, Authentication: SqlAuthenticationMethod.NotSpecified })
        {
            sql.AccessTokenCallback = GetToken;
        }
    }

    private static async Task<SqlAuthenticationToken> GetTokenAsync(SqlAuthenticationParameters parameters, CancellationToken cancellationToken)
    {
        var token = await Credential.GetTokenAsync(new TokenRequestContext([$"{parameters.Resource.TrimEnd('/')}/.default"]), cancellationToken);
        return new SqlAuthenticationToken(token.Token, token.ExpiresOn);
    }
}
