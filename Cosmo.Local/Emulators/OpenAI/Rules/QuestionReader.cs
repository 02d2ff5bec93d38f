using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>Reads one message after the other of a thread. Each is understood in the light of the ones before.</summary>
internal static partial class QuestionReader
{
    public static Understanding Read(string message, Understanding before)
    {
        var clauses = Clause.Split(message);
        var loose = clauses.TakeWhile(clause => clause.Topics.Count == 0).ToList();
        var asks = new List<Ask>();
        foreach (var clause in clauses.Skip(loose.Count))
        {
            if (clause.Topics.Count > 0)
            {
                asks.AddRange(clause.Topics.Select(topic => new Ask(topic).FilledFrom(clause.Details)));
            }
            else
            {
                Extend(asks, clause, IsCasual(message));
            }
        }

        if (asks.Count == 0)
        {
            asks = FollowUp(loose, before, message);
        }
        else
        {
            AddFromLoose(asks, loose, before);
        }

        FillFromNeighbours(asks);
        FillFromMemory(asks, before, message);
        return Remember(asks, loose, before);
    }

    /// <summary>Adds what a clause without a topic says to the asks before it: a detail they lack, or the same ask once more.</summary>
    private static void Extend(List<Ask> asks, Clause clause, bool casual)
    {
        var last = asks[^1];
        var details = clause.Addition;
        if (last.Place is { CountryCode: null } && Countries.CodeOf(clause.Text) is { } code)
        {
            asks[^1] = last with { Place = last.Place with { CountryCode = code } };
            return;
        }

        if (details.Place is not null && !casual && !char.IsUpper(clause.Text[0]) && !clause.Text.Contains(' ', StringComparison.Ordinal))
        {
            details = details with { Place = null };
        }

        if (last.FilledFrom(details) is var filled && filled != last)
        {
            asks[^1] = filled;
        }
        else if (Another(last, details) is { } another)
        {
            asks.Add(another);
        }
    }

    private static Ask? Another(Ask ask, Details details) => ask.Topic switch
    {
        Topic.AuditLogs or Topic.Role when details.Email is not null => ask with { Email = details.Email },
        Topic.Offices when details.Place is not null || details.Capacity is not null =>
            ask with { Place = details.Place ?? ask.Place, Capacity = details.Capacity ?? ask.Capacity },
        Topic.Weather when details.Place is not null => ask with { Place = details.Place },
        _ => null,
    };

    /// <summary>A message without a topic: the answer to a question of ours, or an earlier ask with another detail.</summary>
    private static List<Ask> FollowUp(List<Clause> clauses, Understanding before, string message)
    {
        var asks = new List<Ask>();
        foreach (var clause in clauses)
        {
            if (asks.Count > 0)
            {
                Extend(asks, clause, IsCasual(message));
            }
            else if (before.Pending.Select(ask => ask.FilledFrom(clause.Answer)).ToList() is var answered && !answered.SequenceEqual(before.Pending))
            {
                asks = answered;
            }
            else if (before.Last is { } last && IsFollowUp(clause, message) && Another(last, clause.Addition) is { } another)
            {
                asks.Add(another);
            }
        }

        return asks;
    }

    private static bool IsFollowUp(Clause clause, string message) =>
        clause.Email is not null || clause.Capacity is not null || FollowUpWords().IsMatch(message) || char.IsUpper(clause.Text[0]) || IsCasual(message);

    private static void AddFromLoose(List<Ask> asks, List<Clause> loose, Understanding before)
    {
        foreach (var clause in loose.Where(clause => !clause.Addition.IsEmpty))
        {
            for (var index = 0; index < asks.Count; index++)
            {
                asks[index] = asks[index].FilledFrom(clause.Addition);
            }

            asks.InsertRange(0, before.Pending.Select(ask => ask.FilledFrom(clause.Addition)).Where(ask => ask.IsComplete && asks.TrueForAll(other => other.Topic != ask.Topic)).ToList());
        }
    }

    private static void FillFromNeighbours(List<Ask> asks)
    {
        for (var index = 0; index < asks.Count; index++)
        {
            foreach (var other in asks.Skip(index + 1).Concat(asks.Take(index).Reverse()))
            {
                asks[index] = asks[index].FilledFrom(new Details(other.Place, other.Capacity, other.Email));
            }
        }
    }

    private static void FillFromMemory(List<Ask> asks, Understanding before, string message)
    {
        for (var index = 0; index < asks.Count; index++)
        {
            var same = before.Last?.Topic == asks[index].Topic;
            asks[index] = asks[index].FilledFrom(new Details(
                same || SamePlace().IsMatch(message) ? before.Place : null,
                same ? before.Last!.Capacity : null,
                before.LooseEmail ?? (SamePerson().IsMatch(message) ? before.Email : null)));
        }
    }

    private static Understanding Remember(List<Ask> asks, List<Clause> loose, Understanding before)
    {
        var email = loose.Select(clause => clause.Email).FirstOrDefault(email => email is not null);
        return new Understanding
        {
            Asks = asks,
            Pending = asks.Count > 0 ? asks.FindAll(ask => !ask.IsComplete) : before.Pending,
            Last = asks.Count > 0 ? asks[^1] : before.Last,
            Place = asks.FindLast(ask => ask.Place is not null)?.Place ?? before.Place,
            Email = asks.FindLast(ask => ask.Email is not null)?.Email ?? email ?? before.Email,
            LooseEmail = asks.Count == 0 ? email : null,
        };
    }

    /// <summary>Whether a message is written without capitals, so that a small letter says nothing about a name.</summary>
    private static bool IsCasual(string message) => !message.Skip(1).Any(char.IsUpper);

    [GeneratedRegex(@"^\s*(and|or|also|what about|how about|same|in|at|near|now|then)\b", RegexOptions.IgnoreCase)]
    private static partial Regex FollowUpWords();

    [GeneratedRegex(@"(?<!\b(is|are)\s)\bthere\b|\b(same|that) (city|place)\b", RegexOptions.IgnoreCase)]
    private static partial Regex SamePlace();

    [GeneratedRegex(@"\b(his|her|hers|him|their|them|same (person|user)|(that|this) (person|user))\b", RegexOptions.IgnoreCase)]
    private static partial Regex SamePerson();
}
