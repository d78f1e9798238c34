using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Slipway.Linux;

namespace Slipway.Tests.Linux;

/// <summary>
/// What we declare of libc ourselves, against the headers of this system: a C program prints each constant and the size and place of each
/// field, and the compiler tells the prototypes of the functions. What there is to check is found by reflection, so that a new declaration
/// is checked by itself.
/// </summary>
public sealed partial class HeaderTests
{
    const BindingFlags Declared = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>linux/fcntl.h and sys/mount.h declare again what is in fcntl.h and linux/mount.h.</summary>
    static readonly string[] Headers =
    [
        "dirent.h", "errno.h", "fcntl.h", "poll.h", "sched.h", "signal.h", "stdio.h", "stdlib.h", "sys/file.h", "sys/mman.h", "sys/prctl.h",
        "sys/socket.h", "sys/stat.h", "sys/syscall.h", "sys/un.h", "sys/wait.h", "sys/xattr.h", "time.h", "unistd.h", "linux/capability.h",
        "linux/loop.h",
        "linux/mount.h", "linux/sched.h",
    ];

    /// <summary>Functions that libc has and no header of it declares.</summary>
    static readonly Dictionary<string, string> WithoutPrototype = new()
    {
        ["capget"] = "capget(2): the prototype is in libcap's header",
        ["capset"] = "capget(2): the prototype is in libcap's header",
        ["pivot_root"] = "pivot_root(2): glibc provides no prototype",
    };

    public static TheoryData<Type> Declarations => [typeof(LibC), typeof(Slipway.Front.LibC)];

    [NeedsTheory("cc", "/usr/include/linux/loop.h"), MemberData(nameof(Declarations))]
    public void ConstantsAreThoseOfTheHeaders(Type declarations)
    {
        FieldInfo[] constants = [.. declarations.GetFields(Declared).Where(f => f.IsLiteral && f.FieldType != typeof(string))];
        Assert.True(constants.Length > 10);
        AssertNumbers(constants, c => Convert.ToInt64(c.GetRawConstantValue(), CultureInfo.InvariantCulture));
    }

    [NeedsFact("cc", "/usr/include/linux/loop.h")]
    public void NumbersThatDifferBetweenMachinesAreThisMachines()
    {
        PropertyInfo[] numbers = [.. typeof(LibC).GetProperties(Declared).Where(p => p.PropertyType == typeof(int))];
        Assert.NotEmpty(numbers);
        AssertNumbers(numbers, n => (int)n.GetValue(null)!);
    }

    static void AssertNumbers<T>(T[] members, Func<T, long> value) where T : MemberInfo
    {
        Dictionary<string, string> found = Ask(members.Select(m => $"""printf("{m.Name} %lld\n", (long long) ({m.Name}));"""));
        Assert.Equal(members.Select(m => $"{m.Name} {value(m)}"), members.Select(m => $"{m.Name} {found[m.Name]}"));
    }

    public static TheoryData<Type> Structures => [typeof(LibC), typeof(Slipway.Front.LibC), typeof(Slipway.Shared.Stat)];

    [NeedsTheory("cc", "/usr/include/linux/loop.h"), MemberData(nameof(Structures))]
    public void StructuresLieAsInTheHeaders(Type declarations)
    {
        Type[] structures = [.. declarations.GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic).Where(IsStructure)];
        Assert.NotEmpty(structures);
        (string Name, string Lies, string Question)[] all = [.. structures.SelectMany(Layout)];
        Dictionary<string, string> found = Ask(all.Select(a => a.Question));
        Assert.Equal(all.Select(a => $"{a.Name} {a.Lies}"), all.Select(a => $"{a.Name} {found[a.Name]}"));
    }

    /// <summary>A structure's size and the places and sizes of its fields, and the statements that ask for them.</summary>
    static IEnumerable<(string Name, string Lies, string Question)> Layout(Type type)
    {
        string name = InC(type);
        yield return (name, $"{Marshal.SizeOf(type)}", $"""printf("{name} %zu\n", sizeof(struct {name}));""");
        // what is reserved has another name in each version of the headers
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            if (field.Name is var part && !part.StartsWith("__", StringComparison.Ordinal))
                yield return ($"{name}.{part}", $"{Marshal.OffsetOf(type, part)}+{Marshal.SizeOf(field.FieldType)}",
                    $"""printf("{name}.{part} %zu+%zu\n", offsetof(struct {name}, {part}), sizeof(((struct {name} *) 0)->{part}));""");
    }

    [NeedsTheory("cc", "/usr/include/linux/loop.h"), MemberData(nameof(Declarations))]
    public void FunctionsHaveThePrototypesOfTheHeaders(Type declarations)
    {
        MethodInfo[] functions = [.. Imports(declarations)];
        Assert.True(functions.Length > 10);
        Dictionary<string, (string Result, string[] Parameters)> prototypes = Prototypes();
        Assert.Equal([], functions.Select(f => f.Name).Where(f => !prototypes.ContainsKey(f)).Except(WithoutPrototype.Keys));
        Assert.Equal([], WithoutPrototype.Keys.Where(prototypes.ContainsKey));
        (string Place, Type Ours, string Theirs)[] all = [.. functions.Where(f => prototypes.ContainsKey(f.Name))
            .SelectMany(f => Types(f, prototypes[f.Name].Result, prototypes[f.Name].Parameters))];
        Dictionary<string, string> found = Ask(all.Select(a => a.Theirs == "void" ? $"""puts("{a.Place} void");"""
            : $"""printf("{a.Place} %s%zu\n", KIND({a.Theirs}), sizeof(__typeof__({a.Theirs})));"""));
        Assert.Equal(all.Select(a => $"{a.Place} {Kind(a.Ours, found[a.Place])}"), all.Select(a => $"{a.Place} {found[a.Place]}"));
    }

    /// <summary>The types of a function's result and parameters, here and in C.</summary>
    static IEnumerable<(string Place, Type Ours, string Theirs)> Types(MethodInfo function, string result, string[] parameters)
    {
        ParameterInfo[] ours = function.GetParameters();
        bool variable = parameters is [.., "..."];
        string[] named = variable ? parameters[..^1] : parameters is ["void"] ? [] : parameters;
        Assert.True(variable ? ours.Length >= named.Length : ours.Length == named.Length,
            $"{function}: the header has ({string.Join(", ", parameters)})");
        return [($"{function.Name}()", function.ReturnType, result),
            .. named.Select((type, i) => ($"{function.Name}({i})", ours[i].ParameterType, type))];
    }

    /// <summary>As <c>KIND</c> has it in C. An address may be a native integer here (a handler of signals).</summary>
    static string Kind(Type type, string theirs) =>
        type == typeof(void) ? "void"
        : type.IsPointer || (type == typeof(nint) && theirs == "pointer8") ? $"pointer{nint.Size}"
        : (Signed.Contains(type) ? "signed" : "unsigned") + Marshal.SizeOf(type);

    static readonly Type[] Signed = [typeof(nint), typeof(long), typeof(int), typeof(short), typeof(sbyte)];

    internal static IEnumerable<MethodInfo> Imports(Type declarations) => declarations.GetMethods(Declared)
        .Where(m => m.GetCustomAttribute<LibraryImportAttribute>() is not null
            // and not what is generated of those
            || (m.GetCustomAttribute<DllImportAttribute>() is not null && !m.Name.Contains('<')));

    static bool IsStructure(Type type) => type is { IsValueType: true, IsEnum: false }
        && type.GetCustomAttribute<CompilerGeneratedAttribute>() is null;

    /// <summary>A method has the name already where the structure ends in <c>_t</c>.</summary>
    static string InC(Type type) => type.Name.EndsWith("_t", StringComparison.Ordinal) ? type.Name[..^2] : type.Name;

    /// <summary>
    /// Every function that the headers declare, as gcc's -aux-info tells it: <c>/* FILE:LINE:NC */ extern int flock (int, int);</c>
    /// </summary>
    static Dictionary<string, (string Result, string[] Parameters)> Prototypes()
    {
        using TemporaryDirectory directory = new();
        Compile(directory.Path, "", "-fsyntax-only", "-aux-info", Path.Combine(directory.Path, "prototypes"));
        Dictionary<string, (string, string[])> found = [];
        foreach (string line in File.ReadLines(Path.Combine(directory.Path, "prototypes")))
            if (Prototype().Match(line) is { Success: true } match)
                found[match.Groups["name"].Value] =
                    (match.Groups["result"].Value.Trim(), TopLevelCommas().Split(match.Groups["parameters"].Value));
        return found;
    }

    [GeneratedRegex(@"\*/ extern (?<result>[^()]*?[ *])(?<name>\w+) \((?<parameters>.*)\);")]
    private static partial Regex Prototype();

    /// <summary>Not those within a parameter that is a function itself.</summary>
    [GeneratedRegex(@", (?![^()]*\))")]
    private static partial Regex TopLevelCommas();

    /// <summary>Runs statements of C that print a name and a value each.</summary>
    static Dictionary<string, string> Ask(IEnumerable<string> statements)
    {
        using TemporaryDirectory directory = new();
        string program = Path.Combine(directory.Path, "ask");
        Compile(directory.Path, string.Join('\n', statements), "-o", program);
        Cli.Result said = Cli.Start(Environment.UserName, [program]).Wait();
        Assert.Equal((0, ""), (said.ExitCode, said.Error));
        return said.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
            .ToDictionary(f => f[0], f => f[1]);
    }

    static void Compile(string directory, string statements, params string[] options)
    {
        string source = Path.Combine(directory, "ask.c");
        File.WriteAllText(source, $$"""
            #define _GNU_SOURCE
            #include <stddef.h>
            {{string.Join('\n', Headers.Select(h => $"#include <{h}>"))}}
            /* what is no number is a pointer, or glibc's union of pointers to socket addresses */
            #define KIND(type) _Generic(*(__typeof__(type) *) 0, \
                char: "signed", short: "signed", int: "signed", long: "signed", long long: "signed", unsigned char: "unsigned", \
                unsigned short: "unsigned", unsigned: "unsigned", unsigned long: "unsigned", unsigned long long: "unsigned", \
                default: "pointer")
            int main(void)
            {
            {{statements}}
                return 0;
            }
            """);
        Cli.Result said = Cli.Start(Environment.UserName, ["cc", "-w", source, .. options]).Wait();
        Assert.True(said.ExitCode == 0, said.Error);
    }
}
