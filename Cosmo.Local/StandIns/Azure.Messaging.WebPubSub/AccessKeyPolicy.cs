using Azure.Core;
using Azure.Core.Pipeline;

namespace Azure.Messaging.WebPubSub;

/// <summary>
/// Signs each attempt of a request with the access key. As in the official client there is no check for TLS here, so a
/// key works over http; a token credential does not, because Azure.Core refuses to send its tokens over http.
/// </summary>
internal sealed class AccessKeyPolicy(string accessKey) : HttpPipelineSynchronousPolicy
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    public override void OnSendingRequest(HttpMessage message)
    {
        var audience = message.Request.Uri.ToUri().AbsoluteUri;
        var token = AccessKeyToken.Sign(accessKey, audience, DateTimeOffset.UtcNow + Life);
        message.Request.Headers.SetValue(HttpHeader.Names.Authorization, $"Bearer {token}");
    }
}
