using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Cosmo.Functions.Tests.Local.StandIns;

/// <summary>Writes types and their public and protected members in the text form of the files in <c>official</c>.</summary>
internal static class SignatureText
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>The kind, modifiers and name of a type, without what it derives from.</summary>
    public static string Declaration(Type type)
    {
        var kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            _ when typeof(Delegate).IsAssignableFrom(type) => "delegate",
            _ when type.GetMethod("<Clone>$", Declared) is not null => "record",
            _ => "class",
        };
        var modifier = kind is "class" or "record"
            ? (type.IsAbstract, type.IsSealed) switch
            {
                (true, true) => "static ",
                (true, false) => "abstract ",
                (false, true) => "sealed ",
                _ => "",
            }
            : "";

        if (kind == "delegate")
        {
            var invoke = type.GetMethod("Invoke")!;
            return $"public delegate {TypeName(Nullability.Create(invoke.ReturnParameter))} {TypeName(type)}({Parameters(invoke)})";
        }

        return $"public {modifier}{kind} {TypeName(type)}";
    }

    /// <summary>The base class, unless it says nothing, and the interfaces that the type itself names.</summary>
    public static IEnumerable<string> DerivesFrom(Type type)
    {
        if (type.IsEnum)
        {
            return [TypeName(Enum.GetUnderlyingType(type))];
        }

        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return [];
        }

        var inherited = type.BaseType?.GetInterfaces() ?? [];
        var interfaces = type.GetInterfaces();
        var implied = interfaces.SelectMany(candidate => candidate.GetInterfaces());
        IEnumerable<Type> own = interfaces.Except(inherited).Except(implied);
        return (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) ? own.Prepend(parent) : own).Select(TypeName);
    }

    public static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}");
        }

        return typeof(Delegate).IsAssignableFrom(type) ? [] :
        [
            .. type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly).Select(Field),
            .. type.GetConstructors(Declared & ~BindingFlags.Static).Where(IsSeen).Select(constructor => $"{Access(constructor)}.ctor({Parameters(constructor)})"),
            .. type.GetProperties(Declared).Where(property => property.GetAccessors(nonPublic: true).Any(IsSeen)).Select(Property),
            .. type.GetMethods(Declared).Where(method => IsSeen(method) && IsWritten(method)).Select(Method),
        ];
    }

    public static string TypeName(Type type) => type switch
    {
        { IsByRef: true } => TypeName(type.GetElementType()!),
        { IsArray: true } => TypeName(type.GetElementType()!) + "[]",
        { IsGenericParameter: true } => type.Name,
        _ when Nullable.GetUnderlyingType(type) is { } underlying => TypeName(underlying) + "?",
        { IsGenericType: true } => $"{PlainName(type)}<{string.Join(", ", type.GetGenericArguments().Select(TypeName))}>",
        _ => PlainName(type),
    };

    private static string TypeName(NullabilityInfo info)
    {
        var type = info.Type.IsByRef ? info.Type.GetElementType()! : info.Type;
        var mark = info.ReadState == NullabilityState.Nullable || info.WriteState == NullabilityState.Nullable ? "?" : "";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return TypeName(underlying) + "?";
        }

        if (type.IsArray)
        {
            return $"{TypeName(info.ElementType!)}[]{mark}";
        }

        return type.IsGenericType
            ? $"{PlainName(type)}<{string.Join(", ", info.GenericTypeArguments.Select(TypeName))}>{mark}"
            : TypeName(type) + mark;
    }

    private static string PlainName(Type type)
    {
        var name = type.IsPrimitive || type == typeof(string) || type == typeof(object) || type == typeof(void) || type == typeof(decimal)
            ? Keyword(type)
            : (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Replace('+', '.');
        return name.Split('`')[0];
    }

    private static string Keyword(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => "bool",
        TypeCode.Int16 => "short",
        TypeCode.Int32 => "int",
        TypeCode.Int64 => "long",
        TypeCode.UInt16 => "ushort",
        TypeCode.UInt32 => "uint",
        TypeCode.UInt64 => "ulong",
        TypeCode.SByte => "sbyte",
        TypeCode.Single => "float",
        _ => type.Name.ToLowerInvariant(),
    };

    private static bool IsSeen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsWritten(MethodInfo method) =>
        method.Name != "<Clone>$" && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal));

    private static string Access(MethodBase method) => method.IsPublic ? "public " : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        var access = Access(method);
        if (method.DeclaringType!.IsInterface && !method.IsStatic)
        {
            return access;
        }

        return access + (method switch
        {
            { IsStatic: true } => "static ",
            { IsAbstract: true } => method.GetBaseDefinition() == method ? "abstract " : "abstract override ",
            _ when method.GetBaseDefinition() != method => method.IsFinal ? "sealed override " : "override ",
            { IsVirtual: true, IsFinal: false } => "virtual ",
            _ => "",
        });
    }

    private static string Field(FieldInfo field)
    {
        var access = field.IsPublic ? "public " : "protected ";
        var type = TypeName(Nullability.Create(field));
        return field switch
        {
            { IsLiteral: true } => $"{access}const {type} {field.Name} = {field.GetRawConstantValue()}",
            _ => $"{access}{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{type} {field.Name}",
        };
    }

    private static string Property(PropertyInfo property)
    {
        var get = property.GetMethod is { } getter && IsSeen(getter) ? getter : null;
        var set = property.SetMethod is { } setter && IsSeen(setter) ? setter : null;
        var widest = get is { IsPublic: true } || set is null ? get! : set;
        var accessors = new[] { (get, "get; "), (set, set is not null && IsInit(set) ? "init; " : "set; ") }
            .Where(accessor => accessor.Item1 is not null)
            .Select(accessor => accessor.Item1!.IsPublic == widest.IsPublic ? accessor.Item2 : Access(accessor.Item1) + accessor.Item2);
        return $"{Modifiers(widest)}{TypeName(Nullability.Create(property))} {property.Name} {{ {string.Concat(accessors)}}}";
    }

    private static bool IsInit(MethodInfo setter) => setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static string Method(MethodInfo method)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(TypeName))}>" : "";
        var constraints = string.Concat(method.GetGenericArguments().Select(Constraints));
        return $"{Modifiers(method)}{TypeName(Nullability.Create(method.ReturnParameter))} {method.Name}{generic}({Parameters(method)}){constraints}";
    }

    private static string Constraints(Type parameter)
    {
        var attributes = parameter.GenericParameterAttributes;
        var isStruct = attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        List<string> constraints =
        [
            .. attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint) ? ["class"] : Array.Empty<string>(),
            .. isStruct ? ["struct"] : Array.Empty<string>(),
            .. parameter.GetGenericParameterConstraints().Where(type => type != typeof(ValueType)).Select(TypeName),
            .. attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint) && !isStruct ? ["new()"] : Array.Empty<string>(),
        ];
        return constraints.Count == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", constraints)}";
    }

    private static string Parameters(MethodBase method)
    {
        var first = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        return first + string.Join(", ", method.GetParameters().Select(Parameter));
    }

    private static string Parameter(ParameterInfo parameter)
    {
        var modifier = parameter switch
        {
            { IsOut: true } => "out ",
            { ParameterType.IsByRef: true, IsIn: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ when parameter.IsDefined(typeof(ParamArrayAttribute)) => "params ",
            _ => "",
        };
        var fallback = parameter.HasDefaultValue ? $" = {Default(parameter)}" : "";
        return $"{modifier}{TypeName(Nullability.Create(parameter))} {parameter.Name}{fallback}";
    }

    private static string Default(ParameterInfo parameter) => parameter.DefaultValue switch
    {
        null => parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? "default" : "null",
        bool value => value ? "true" : "false",
        string value => $"\"{value}\"",
        _ when parameter.ParameterType.IsEnum => $"{parameter.ParameterType.Name}.{Enum.GetName(parameter.ParameterType, parameter.DefaultValue)}",
        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
        var value => value.ToString()!,
    };
}
