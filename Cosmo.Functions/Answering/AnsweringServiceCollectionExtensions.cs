using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Deadlines;
using Cosmo.Functions.Answering.Feedback;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Timelines;
using Cosmo.Functions.Answering.Turns;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Answering;

internal static class AnsweringServiceCollectionExtensions
{
    public static IServiceCollection AddAnswering(this IServiceCollection services)
    {
        services.AddOptions<AnsweringOptions>().BindConfiguration(AnsweringOptions.Section)
            .Configure<IConfiguration>((options, configuration) => options.HistoryDays = configuration.GetValue("Cosmo:Administration:HistoryDays", options.HistoryDays))
            .ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<AnsweringOptions>, HostSettings>()
            .AddSingleton<TurnQueue>()
            .AddSingleton<TurnRelease>()
            .AddSingleton<AnswerCapacity>()
            .AddSingleton<MessageMemory>()
            .AddSingleton<StopSignals>()
            .AddSingleton<ApprovalDesk>()
            .AddSingleton<Cancellation>()
            .AddSingleton<MessageDirectory>()
            .AddSingleton<RunAliases>()
            .AddSingleton<MessageHistory>()
            .AddSingleton<HistoryReader>()
            .AddSingleton<TimelineReader>()
            .AddSingleton<Replacement>()
            .AddSingleton<MergedEnds>()
            .AddSingleton<FeedbackLedger>()
            .AddSingleton<ChannelErasure>()
            .AddSingleton<AnswerOpening>()
            .AddSingleton<AnswerStarter>();
    }
}
