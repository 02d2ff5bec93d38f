namespace Cosmo.Local.Emulators.OpenAI.Controls;

/// <summary>The rules in force, counted as they are used. The first that matches is taken. Safe for many threads.</summary>
internal sealed class RuleList<T>
    where T : Rule
{
    private readonly Lock _lock = new();
    private List<Entry> _entries = [];

    public void Replace(IEnumerable<T> rules)
    {
        lock (_lock)
        {
            _entries = [.. rules.Select(rule => new Entry(rule) { Skip = rule.Skip, Left = rule.Times ?? int.MaxValue })];
        }
    }

    public T? Take(string endpoint, string? conversation = null, string userText = "", string? model = null)
    {
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if (entry.Left <= 0 || !entry.Rule.Matches(endpoint, conversation, userText, model))
                {
                    continue;
                }

                if (entry.Skip > 0)
                {
                    entry.Skip--;
                    continue;
                }

                entry.Left--;
                return entry.Rule;
            }

            return null;
        }
    }

    private sealed class Entry(T rule)
    {
        public T Rule { get; } = rule;

        public int Skip { get; set; }

        public int Left { get; set; }
    }
}
