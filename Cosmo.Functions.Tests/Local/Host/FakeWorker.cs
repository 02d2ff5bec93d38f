using System.Collections.Concurrent;
using Cosmo.Local.Host.Functions;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>
/// A worker's HTTP side, with the functions of a test. As in the worker, a request waits for the invocation of its id, is finished when the function has
/// ended, and says nothing of a function that threw: the invocation's answer, which comes after it, does.
/// </summary>
internal sealed class FakeWorker : IFunctionInvoker, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Meeting> _meetings = new();
    private readonly Dictionary<string, Func<HttpContext, Invocation, Task>> _functions;
    private HttpStub _server = null!;

    private FakeWorker(Dictionary<string, Func<HttpContext, Invocation, Task>> functions) => _functions = functions;

    public Uri Url => _server.Url;

    /// <summary>The targets of the requests as they were sent.</summary>
    public IReadOnlyCollection<string> Requests => _server.Requests;

    public static async Task<FakeWorker> StartAsync(Dictionary<string, Func<HttpContext, Invocation, Task>> functions)
    {
        var worker = new FakeWorker(functions);
        worker._server = await HttpStub.StartAsync(worker.AnswerAsync);
        return worker;
    }

    public async Task InvokeAsync(FunctionDefinition function, TriggerInput input, CancellationToken cancellationToken)
    {
        var meeting = MeetingOf(input.InvocationId!);
        var http = await meeting.Request.Task.WaitAsync(Patience, cancellationToken);
        try
        {
            await _functions[function.Name](http, new Invocation(function, input, cancellationToken));
        }
        finally
        {
            meeting.Ended.SetResult();
            await meeting.Answered.Task;
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        var meeting = MeetingOf(http.Request.Headers["x-ms-invocation-id"].Single()!);
        http.Response.OnCompleted(() =>
        {
            meeting.Answered.SetResult();
            return Task.CompletedTask;
        });
        meeting.Request.SetResult(http);
        await meeting.Ended.Task;
    }

    private Meeting MeetingOf(string invocationId) => _meetings.GetOrAdd(invocationId, _ => new Meeting());

    private sealed class Meeting
    {
        public TaskCompletionSource<HttpContext> Request { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Answered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
