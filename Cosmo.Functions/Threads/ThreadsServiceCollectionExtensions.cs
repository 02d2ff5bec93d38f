namespace Cosmo.Functions.Threads;

internal static class ThreadsServiceCollectionExtensions
{
    public static IServiceCollection AddThreads(this IServiceCollection services)
    {
        services.AddOptions<ThreadOptions>().BindConfiguration(ThreadOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IThreadStore, ThreadStore>();
        return services;
    }
}
