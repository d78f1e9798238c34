using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Tests.Shared;

public sealed unsafe class ProgramPathTests
{
    static string? Find(string? path, string name)
    {
        Text file = default;
        bool found;
        fixed (byte* directories = path is null ? null : Slipway.Linux.LibC.CString(path), wanted = Slipway.Linux.LibC.CString(name))
            found = ProgramPath.TryFind(ref file, directories, wanted);
        string at = file.Take();
        return found ? at : null;
    }

    [Fact]
    public void TheFirstDirectoryThatHasItCounts()
    {
        using TemporaryDirectory directory = new();
        foreach (string file in new[] { "a/other", "b/tool", "c/tool" })
            File.SetUnixFileMode(directory.Write(file, "x"u8.ToArray()), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string In(string name) => $"{directory.Path}/{name}";
        Assert.Equal(In("b/tool"), Find($"{In("a")}:{In("b")}:{In("c")}", "tool"));
        // a directory is no program, and a relative path is not the caller's to follow
        Directory.CreateDirectory(In("d/tool"));
        Assert.Equal(In("c/tool"), Find($"{In("d")}::.:b:{In("c")}", "tool"));
        Assert.Null(Find(In("a"), "tool"));
        Assert.Null(Find("", "tool"));
    }

    [Fact]
    public void ProgramsOfTheSystemAreFoundWithoutAPath()
    {
        Assert.Contains(Find(null, "sh"), new[] { "/usr/bin/sh", "/bin/sh" });
        Assert.Equal(Find("/nowhere", "ldconfig"), new[] { "/usr/sbin/ldconfig", "/sbin/ldconfig" }.FirstOrDefault(File.Exists));
        Assert.Equal(Find(Environment.GetEnvironmentVariable("PATH"), "sh"), HostProgram.TryFind("sh"));
    }
}
