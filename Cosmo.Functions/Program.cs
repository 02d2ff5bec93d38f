using System.Data.Common;
using Cosmo.Functions;
using Cosmo.Functions.Hosting.Observability;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;

DbProviderFactories.RegisterFactory("Microsoft.Data.SqlClient", SqlClientFactory.Instance);
DbProviderFactories.RegisterFactory("Microsoft.Data.Sqlite", SqliteFactory.Instance);

var builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
builder.RouteLogsToHost();
builder.ExportTelemetry();
builder.AddCosmo();
builder.Build().Run();
