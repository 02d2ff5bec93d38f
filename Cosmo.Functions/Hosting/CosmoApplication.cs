namespace Cosmo.Functions.Hosting;

/// <summary>Registers everything that the functions need.</summary>
internal static class CosmoApplication
{
    public static IHostApplicationBuilder AddCosmo(this IHostApplicationBuilder builder)
    {
        SettingNames.AddFlatNames(builder.Configuration);
        return builder;
    }
}
