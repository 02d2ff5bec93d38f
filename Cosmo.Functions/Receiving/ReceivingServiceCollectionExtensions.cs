using Cosmo.Functions.Receiving.AgUi;

namespace Cosmo.Functions.Receiving;

internal static class ReceivingServiceCollectionExtensions
{
    public static IServiceCollection AddReceiving(this IServiceCollection services) => services.AddSingleton<MessageReceiver>().AddSingleton<RunStream>();
}
