using System.Reflection;
using System.Reflection.Emit;
using System.Text.RegularExpressions;
using Cosmo.Functions.Tests.Local.Terminal;

namespace Cosmo.Functions.Tests;

/// <summary>Which room of the app uses which, as its compiled code has it and docs/architecture.md says.</summary>
public sealed partial class RoomsTests
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private const string App = "Cosmo.Functions";

    private static readonly string Page = File.ReadAllText(Path.Combine(CosmoScript.Root, "docs", "architecture.md"));

    /// <summary>The rows of the page's table: the rooms in their order, and which rooms each uses.</summary>
    private static readonly (string Room, string[] Uses)[] Described =
        [.. Row().Matches(Page).Select(row => (row.Groups[1].Value, Word().Matches(row.Groups[2].Value).Select(word => word.Value).ToArray()))];

    private static readonly string[] Order = [.. Described.Select(row => row.Room)];

    private static readonly Dictionary<short, OpCode> OpCodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>Every use of a type of another room: who, whom.</summary>
    private static readonly Lazy<(Type By, Type Used)[]> Uses = new(() =>
        [.. typeof(CosmoApplication).Assembly.GetTypes()
            .Where(type => RoomOf(type) is not null)
            .SelectMany(type => UsedBy(type).Where(used => RoomOf(used) is { } room && room != RoomOf(type)).Select(used => (type, used)))
            .Distinct()]);

    [Fact]
    public void Every_room_has_its_place() =>
        typeof(CosmoApplication).Assembly.GetTypes().Select(RoomOf).OfType<string>().Where(room => room.Length > 0).Distinct().Order(StringComparer.Ordinal)
            .ShouldBe(Order.Order(StringComparer.Ordinal));

    [Fact]
    public void A_room_uses_only_rooms_that_stand_before_it() =>
        Uses.Value
            .Where(use => RoomOf(use.By) is not "" && Array.IndexOf(Order, RoomOf(use.Used)) is var used && (used < 0 || used > Array.IndexOf(Order, RoomOf(use.By))))
            .Select(use => $"{Name(use.By)} uses {Name(use.Used)}")
            .Order(StringComparer.Ordinal)
            .ShouldBeEmpty();

    [Fact]
    public void The_page_says_which_rooms_each_uses() =>
        Described.Select(row => $"{row.Room} uses {string.Join(", ", row.Uses)}").ShouldBe(Order.Select(room => $"{room} uses {string.Join(", ", UsedBy(room))}"));

    /// <summary>What a room uses through another that it uses as well has no arrow of its own there.</summary>
    [Fact]
    public void The_picture_has_the_arrows_that_do_not_follow_from_others() =>
        Arrow().Matches(Page).Select(arrow => $"{arrow.Groups[1]} --> {arrow.Groups[2]}").Order(StringComparer.Ordinal)
            .ShouldBe(Order
                .SelectMany(room => UsedBy(room).Except(UsedBy(room).SelectMany(Below)).Select(used => $"{room} --> {used}"))
                .Order(StringComparer.Ordinal));

    /// <summary>The rooms that a room uses, in their order.</summary>
    private static IEnumerable<string> UsedBy(string room) =>
        Uses.Value.Where(use => RoomOf(use.By) == room).Select(use => RoomOf(use.Used)!).Distinct().OrderBy(used => Array.IndexOf(Order, used));

    /// <summary>The rooms that a room uses, and those that they use.</summary>
    private static IEnumerable<string> Below(string room) => UsedBy(room).SelectMany(used => Below(used).Append(used)).Distinct();

    /// <summary>The room of a type of the app; empty for what puts the rooms together, null for what is not ours.</summary>
    private static string? RoomOf(Type type)
    {
        var space = type.Namespace;
        return space == App && type.Assembly == typeof(CosmoApplication).Assembly ? ""
            : space?.StartsWith(App + ".", StringComparison.Ordinal) == true && type.Assembly == typeof(CosmoApplication).Assembly ? space.Split('.')[2]
            : null;
    }

    private static string Name(Type type) => type.DeclaringType is { } outer ? Name(outer) : $"{RoomOf(type)}/{type.Name}";

    private static IEnumerable<Type> UsedBy(Type type) =>
        new[] { type.BaseType }.OfType<Type>()
            .Concat(type.GetInterfaces())
            .Concat(type.GetCustomAttributesData().Select(attribute => attribute.AttributeType))
            .Concat(type.GetFields(All).Select(field => field.FieldType))
            .Concat(type.GetMethods(All).SelectMany(method => UsedBy(method).Append(method.ReturnType)))
            .Concat(type.GetConstructors(All).SelectMany(UsedBy))
            .SelectMany(Parts);

    private static IEnumerable<Type> UsedBy(MethodBase method) =>
        method.GetParameters().Select(parameter => parameter.ParameterType)
            .Concat(method.GetMethodBody()?.LocalVariables.Select(local => local.LocalType) ?? [])
            .Concat(Mentioned(method));

    /// <summary>A type with its arguments and elements.</summary>
    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
            : type.IsGenericType ? type.GetGenericArguments().Where(argument => !argument.IsGenericParameter).SelectMany(Parts).Append(type.GetGenericTypeDefinition())
            : [type];

    /// <summary>What the instructions of a method name: types, and the types of members.</summary>
    private static IEnumerable<Type> Mentioned(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code)
        {
            yield break;
        }

        for (var at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xFE)
            {
                value = (short)(0xFE00 | code[at++]);
            }

            var operand = OpCodes[value].OperandType;
            if (operand is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                var member = method.Module.ResolveMember(
                    BitConverter.ToInt32(code, at),
                    method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null,
                    method.IsGenericMethod ? method.GetGenericArguments() : null)!;
                yield return member as Type ?? member.DeclaringType!;
                foreach (var argument in member is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericArguments() : [])
                {
                    yield return argument;
                }
            }

            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    [GeneratedRegex(@"^\| `(\w+)` \| .* \|(.*)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"^ +(\w+) --> (\w+)$", RegexOptions.Multiline)]
    private static partial Regex Arrow();
}
