using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using Cosmo.Local.Durable.Storage;
using DurableTask.Core;
using DurableTask.Core.History;
using DurableTask.Core.Tracing;
using Newtonsoft.Json;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class HistoryTextTests
{
    private static readonly FailureDetails Failure = new(
        "Type", "text with a\nline break", "stack", new FailureDetails("Inner", "inner", null, null, false), true, new Dictionary<string, object?> { ["date"] = "2026-01-31T12:00:00Z" });

    public static TheoryData<string> Types => [.. HistoryEvent.KnownTypes().Select(type => type.FullName!)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_kind_of_event_comes_back_as_it_was(string type)
    {
        var happened = Filled(typeof(HistoryEvent).Assembly.GetType(type)!);

        var text = HistoryText.Write(happened);
        var back = HistoryText.ReadOne(text);

        back.GetType().ShouldBe(happened.GetType());
        JsonConvert.SerializeObject(back).ShouldBe(JsonConvert.SerializeObject(happened));
        text.ShouldNotContain('\n');
    }

    [Fact]
    public void Many_events_come_back_in_their_order()
    {
        HistoryEvent[] events = [new OrchestratorStartedEvent(-1), new EventRaisedEvent(-1, "\"a\\nb\"") { Name = "n" }, new OrchestratorCompletedEvent(-1)];

        HistoryText.Read(HistoryText.Write(events)).Select(happened => happened.EventType)
            .ShouldBe([EventType.OrchestratorStarted, EventType.EventRaised, EventType.OrchestratorCompleted]);
    }

    [Fact]
    public void The_JSON_of_each_event_stands_without_the_number_of_its_type()
    {
        HistoryEvent[] events = [new OrchestratorStartedEvent(-1), new EventRaisedEvent(-1, "\"{a\\nb}\"") { Name = "n" }];

        var json = HistoryText.ReadJson(HistoryText.Write(events)).ToList();

        json.Count.ShouldBe(2);
        json.ShouldAllBe(one => one.StartsWith("{\"EventType\":"));
        json[1].ShouldContain("\"Name\":\"n\"");
    }

    [Fact]
    public void A_value_comes_back_as_it_was_and_what_is_null_is_not_written()
    {
        var value = new OrchestrationInstance { InstanceId = "2026-01-31T12:00:00Z" };

        var json = HistoryText.WriteValue(value);

        json.ShouldBe("""{"InstanceId":"2026-01-31T12:00:00Z"}""");
        HistoryText.ReadValue<OrchestrationInstance>(json)!.InstanceId.ShouldBe(value.InstanceId);
        HistoryText.ReadValue<Dictionary<string, object>>("""{"at":"2026-01-31T12:00:00Z"}""")!["at"].ShouldBe("2026-01-31T12:00:00Z");
        (HistoryText.WriteValue<OrchestrationInstance>(null), HistoryText.ReadValue<OrchestrationInstance>(null)).ShouldBe((null, null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("{}")]
    [InlineData("99{}")]
    [InlineData("5{\"EventId\":")]
    public void What_is_no_event_is_said_to_be_none(string line)
        => Should.Throw<InvalidDataException>(() => HistoryText.ReadOne(line)).Message.ShouldContain("cannot be read");

    /// <summary>An event with a value in every member that is kept.</summary>
    private static HistoryEvent Filled(Type type)
    {
        var happened = (HistoryEvent)RuntimeHelpers.GetUninitializedObject(type);
        for (var declaring = type; declaring != typeof(object); declaring = declaring!.BaseType)
        {
            foreach (var member in declaring!.GetMembers(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                .Where(member => member.IsDefined(typeof(DataMemberAttribute), false)))
            {
                if (member is PropertyInfo { CanWrite: true, Name: not "EventType" } property)
                {
                    property.SetValue(happened, Sample(property.PropertyType));
                }
                else if (member is FieldInfo field)
                {
                    field.SetValue(happened, Sample(field.FieldType));
                }
            }
        }

        return happened;
    }

    private static object? Sample(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var it when it == typeof(string) => "text with a\nline break and \u00FC",
        var it when it == typeof(int) => 7,
        var it when it == typeof(bool) => true,
        var it when it == typeof(DateTime) => new DateTime(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc).AddTicks(7),
        var it when it == typeof(OrchestrationStatus) => OrchestrationStatus.Failed,
        var it when it == typeof(OrchestrationInstance) => new OrchestrationInstance { InstanceId = "a", ExecutionId = "b" },
        var it when it == typeof(ParentInstance) => new ParentInstance { Name = "p", TaskScheduleId = 3, OrchestrationInstance = new OrchestrationInstance { InstanceId = "c" } },
        var it when it == typeof(IDictionary<string, string>) => new Dictionary<string, string> { ["key"] = "value" },
        var it when it == typeof(FailureDetails) => Failure,
        var it when it == typeof(DistributedTraceContext) => new DistributedTraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "state=1"),
        var it when it == typeof(OrchestrationState) => new OrchestrationState { Name = "n", CreatedTime = DateTime.UnixEpoch },
        _ => throw new NotSupportedException($"No sample of {type}."),
    };
}
