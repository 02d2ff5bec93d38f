using Cosmo.Functions.Threads.Index;

namespace Cosmo.Functions.Threads;

internal static class ThreadsServiceCollectionExtensions
{
    public static IServiceCollection AddThreads(this IServiceCollection services)
    {
        services.AddOptions<ThreadOptions>().BindConfiguration(ThreadOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<ThreadStore>()
            .AddSingleton<ThreadReader>()
            .AddSingleton<ThreadIndex>()
            .AddSingleton<ThreadIndexer>()
            .AddSingleton<ThreadLister>()
            .AddSingleton<StatisticsReader>();
    }
}
