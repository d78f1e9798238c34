using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using Slipway.Linux;
using Slipway.Readers.Elf;
using static Slipway.Linux.LibC;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Linux;

/// <summary>How the core calls libc: Tmds.LibC's imports and ours by one rule.</summary>
public sealed class ErrnoTests
{
    /// <summary>They cannot fail (their man pages, ERRORS), so Tmds.LibC keeps no errno.</summary>
    static readonly string[] NeverFail = ["_exit", "alarm", "getegid", "geteuid", "getgid", "getpid", "getppid", "getuid"];

    /// <summary>The imports of Tmds.LibC that the core calls, by itself or through one of its methods.</summary>
    static List<MethodInfo> Taken()
    {
        using PEReader file = new(File.OpenRead(typeof(LibC).Assembly.Location));
        MetadataReader core = file.GetMetadataReader();
        HashSet<string> names = [.. core.MemberReferences.Select(core.GetMemberReference)
            .Where(m => m.Parent.Kind == HandleKind.TypeReference && core.GetTypeReference((TypeReferenceHandle)m.Parent) is var type
                && core.GetString(type.Name) == "LibC" && core.GetString(type.Namespace) == "Tmds.Linux")
            .Select(m => core.GetString(m.Name))];
        return [.. typeof(Tmds.Linux.LibC).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(m => m.GetCustomAttribute<DllImportAttribute>() is not null
                && (names.Contains(m.Name) || names.Contains(m.Name.TrimStart('_'))))];
    }

    static DllImportAttribute Import(MethodInfo method) => method.GetCustomAttribute<DllImportAttribute>()!;

    [Fact]
    public void EveryImportThatCanFailKeepsErrno()
    {
        List<MethodInfo> theirs = Taken();
        Assert.Contains(theirs, m => m.Name == "open");
        Assert.Equal([], theirs.Where(m => !Import(m).SetLastError).Select(m => m.Name).Except(NeverFail));
        MethodInfo[] ours = [.. HeaderTests.Imports(typeof(LibC))];
        Assert.NotEmpty(ours);
        Assert.Equal([], ours.Where(m => !m.GetCustomAttribute<LibraryImportAttribute>()!.SetLastError).Select(m => m.Name));
    }

    [Fact]
    public void OursAreThoseThatTmdsLibCLacks()
    {
        string[] theirs = [.. typeof(Tmds.Linux.LibC).GetMembers().Select(m => m.Name)];
        // poll is there and keeps no errno
        Assert.Equal(["poll"], HeaderTests.Imports(typeof(LibC)).Select(m => m.Name).Intersect(theirs));
        Assert.Equal([], typeof(LibC).GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Select(f => f.Name)
            .Intersect(theirs));
        string[] types = [.. typeof(Tmds.Linux.LibC).Assembly.GetExportedTypes().Select(t => t.Name)];
        Assert.Equal([], typeof(LibC).GetNestedTypes().Select(t => t.Name).Intersect(types));
    }

    /// <summary>
    /// What is bound at the first call would be looked up in the child of a raw clone, where locks of other threads stay locked.
    /// </summary>
    [NeedsFact(Needs.Launcher)]
    public void TheProgramBindsEveryImportWhenItStarts()
    {
        HashSet<string> names = [.. Taken().Select(m => Import(m).EntryPoint!), .. HeaderTests.Imports(typeof(LibC)).Select(m => m.Name)];
        string full = Cli.HasFront ? Cli.Program + "-full" : Cli.Program;
        IReadOnlyList<string> bound = ElfFile.ReadImports(full, names);
        Assert.Equal([], names.Except(bound));
    }

    [Fact]
    public unsafe void ErrnoIsThatOfTheLastCall()
    {
        byte[] nothing = CString("/nonexistent");
        fixed (byte* path = nothing)
        {
            // theirs, and ours
            Is(ENOENT, Tmds.Linux.LibC.open(path, O_RDONLY, 0));
            Is(EBADF, flock(-1, LOCK_EX));
            Is(ENOENT, open("/nonexistent", O_RDONLY, 0));
            Is(ENOTDIR, rename("/dev/null/x", "/dev/null/y"));
            Is(ENOENT, openat2(AT_FDCWD, "/nonexistent", O_RDONLY, 0));
            Is(EINVAL, prctl(-1, 0, 0, 0, 0));
            Is(ECHILD, waitpid(int.MaxValue, null, 0));
            Is(EINVAL, close_range(2, 1));
            Is(ESRCH, pidfd_open(int.MaxValue));
            Is(EEXIST, mkdir("/", 0x1ed));
            Is(EBADF, (int)getdents64(-1, path, 1));
        }
        Assert.Equal(ENOENT, stat("/nonexistent", out _));
        Assert.Equal(ENOTDIR, kernel_stat("/dev/null/x", out _));
        Assert.Equal(0, stat("/dev/null", out _));

        static void Is(int expected, int result)
        {
            int error = errno;
            // the runtime's own calls on the way do not change it
            GC.Collect();
            Assert.Equal((-1, expected, expected), (result, error, errno));
        }
    }

    /// <summary>libc would take what is before the zero: another path.</summary>
    [Fact]
    public void NoTextWithAZeroReachesLibC()
    {
        ParameterInfo[] texts = [.. typeof(LibC).GetMethods(BindingFlags.Static | BindingFlags.Public).SelectMany(m => m.GetParameters())
            .Where(p => p.ParameterType == typeof(string))];
        Assert.True(texts.Length > 20);
        foreach (ParameterInfo bad in texts)
        {
            MethodInfo method = (MethodInfo)bad.Member;
            object?[] arguments = [.. method.GetParameters()
                .Select(p => p.Position == bad.Position ? "/tmp\0/x" : Anything(p.ParameterType))];
            Exception? told = Assert.Throws<TargetInvocationException>(() => method.Invoke(null, arguments)).InnerException;
            Assert.Equal(@"'/tmp\0/x': a path, an argument or a variable cannot contain a null character",
                Assert.IsType<SlipwayException>(told).Message);
        }
        Assert.Throws<SlipwayException>(() => { unsafe { NativeStrings.Vector(["a", "b\0"]); } });
    }

    static object? Anything(Type type) =>
        type == typeof(string) ? "/tmp" : type == typeof(byte[]) ? Array.Empty<byte>() : type.IsValueType
        ? Activator.CreateInstance(type) : null;
}
