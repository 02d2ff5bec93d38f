using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Cosmo.Functions.Tests;

/// <summary>What is measured by whatever the test that makes it runs from then on; what other tests measure beside it is not.</summary>
internal sealed class RecordedMeasurements : IDisposable
{
    private readonly AsyncLocal<bool> _isOwn = new() { Value = true };
    private readonly ConcurrentQueue<(Instrument Instrument, double Value, string Tags)> _all = new();
    private readonly MeterListener _listener = new();

    /// <param name="instruments">What it listens to.</param>
    public RecordedMeasurements(params Instrument[] instruments)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instruments.Contains(instrument))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>In their order, with tags as <c>name=value</c>.</summary>
    public IEnumerable<(Instrument Instrument, double Value, string Tags)> All => _all;

    public void Dispose() => _listener.Dispose();

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (_isOwn.Value)
        {
            _all.Enqueue((instrument, value, string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))));
        }
    }
}
