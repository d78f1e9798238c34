using System.Text;
using Slipway.Front;
using Slipway.Running;
using Slipway.Shared;

namespace Slipway.Tests.Front;

/// <summary>
/// The front's readers on random input: they never read past it, and where they accept something they understand it as the full launcher
/// does. What they do not accept, the full launcher gets.
/// </summary>
public sealed unsafe class FrontReadersTests
{
    static int Cases => Environment.GetEnvironmentVariable("SLIPWAY_TEST_LONG") == "1" ? 100_000 : 5_000;

    static readonly string Directory = Environment.CurrentDirectory;

    static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    static string Text(byte* text) => Encoding.UTF8.GetString(new ReadOnlySpan<byte>(text, (int)CString.Length(text)));

    static bool IsUtf8(byte[] bytes) => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes)).AsSpan().SequenceEqual(bytes);

    static readonly string[] PathWords =
        ["/", "/", ".", "..", "a", "data", "/mnt", "/tmp", " ", "é", "🚢", ":", ":ro", ":rw", "\n", "-", "="];

    static List<byte[]> Arguments(FrontInput input)
    {
        List<byte[]> arguments = [];
        for (int n = input.Random.Next(5); n > 0; n--)
        {
            string option = input.Pick("--job", "--bind", "--env", "--fabric", "--writable-tmpfs", "--env", "--bind");
            byte[] value = option switch
            {
                "--env" => input.Word("A", "PATH", "B_2", "=", "=", "value", "é", ":"),
                "--fabric" when input.Random.Next(2) == 0 => Encoding.UTF8.GetBytes(input.Pick("auto", "none", "")),
                _ => input.Word(PathWords),
            };
            byte[] name = Encoding.UTF8.GetBytes(option);
            if (option == "--writable-tmpfs")
                arguments.Add(name);
            else if (input.Random.Next(2) == 0)
                arguments.Add([.. name, (byte)'=', .. value]);
            else
                arguments.AddRange([name, value]);
        }
        if (input.Random.Next(25) == 0)
            arguments.Add(input.Word("--", "explain", "--help", "-", "x", "="));
        if (input.Random.Next(25) != 0)
            arguments.Add(input.Random.Next(3) == 0 ? input.Word(PathWords)
                : Encoding.UTF8.GetBytes(
                    input.Pick(".", "/tmp/", "..", "/etc//passwd", "/usr/./bin/../bin/env", "sha256:" + new string('a', 64),
                        "sha256:short", "")));
        if (input.Random.Next(2) == 0)
            arguments.Add("--"u8.ToArray());
        for (int n = input.Random.Next(4); n > 0; n--)
            arguments.Add(input.Word("true", "-x", "--", "", "é"));
        return arguments;
    }

    static List<byte[]> Variables(FrontInput input)
    {
        List<byte[]> variables = [];
        for (int n = input.Random.Next(12); n > 0; n--)
            variables.Add(
                [.. Encoding.UTF8.GetBytes(input.Pick("PATH", "PATHS", "HOME", "LD_PRELOAD", "LD_PRELOAD_", "A", "B_2", "PMIX_NAMESPACE",
                    "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_PROCID", "FLUX_URI", "FLUX_JOB_ID", "LSB_JOBID", "LSF_PM_TASKID", "PALS_APID",
                    "ENV", "TERMINFO", "")),
                .. input.Random.Next(20) == 0 ? Array.Empty<byte>() : "="u8.ToArray(), .. input.Random.Next(4) == 0
                    ? [] : input.Word("/", "home", "1", ".", "=", "é", "/tmp", Directory)]);
        return variables;
    }

    /// <summary>As getenv(3) and .NET see them: the first of a name counts, and what is no assignment is none.</summary>
    static Dictionary<string, string> Seen(IEnumerable<byte[]> variables)
    {
        Dictionary<string, string> seen = new(StringComparer.Ordinal);
        foreach (string variable in variables.Select(Text))
            if (variable.IndexOf('=', StringComparison.Ordinal) is > 0 and var at)
                seen.TryAdd(variable[..at], variable[(at + 1)..]);
        return seen;
    }

    [Fact]
    public void KeysAreTheFullLaunchers()
    {
        using FrontInput input = new(1);
        int accepted = 0, words = 0;
        for (int i = 0; i < Cases; i++, input.Clear())
        {
            List<byte[]> arguments = Arguments(input), variables = Variables(input);
            byte** environment = input.Vector(variables);
            byte* directory = input.Copy([.. Encoding.UTF8.GetBytes(Directory), 0]);
            if (!RunArguments.TryRead(input.Vector(arguments), environment, directory, out RunArguments request))
                continue;
            // --env NAME has its value from an environment that is not ours
            if (!arguments.Select(Text).Zip(arguments.Select(Text).Skip(1))
                .All(p => p.First != "--env" || p.Second.Contains('=', StringComparison.Ordinal))
                || arguments.Select(Text).Any(a => a.StartsWith("--env=", StringComparison.Ordinal)
                    && !a[6..].Contains('=', StringComparison.Ordinal)))
                continue;
            Slipway.Shared.Text key = default;
            string expected = "";
            // a directory may be changed by others between the two looks at it
            for (int tries = 0; tries < 5 && (tries == 0 || expected != Text(key.Bytes)); tries++)
            {
                key = default;
                if (!Slipway.Front.Container.TryAddKey(ref key, ref request, environment, directory))
                    break;
                RunRequest full = RunRequest.Parse([.. arguments.Select(Text)]);
                expected = RankKey.Of(full, ImageIdentity.Find(full.Image), environment, Directory).Value;
                words = full.Command.Length;
            }
            if (expected.Length == 0)
                continue;
            accepted++;
            Assert.True(expected == Text(key.Bytes),
                $"{string.Join(' ', arguments.Select(Text))}\nfront: {Text(key.Bytes)}\nfull:  {expected}");
            Slipway.Shared.Text name = default;
            KeyName.Add(ref name, key.Bytes, key.Length);
            Assert.Equal(KeyName.Of(expected), Text(name.Bytes));
            Assert.True(request.Command[words] == null && (words == 0 || request.Command[words - 1] != null));
        }
        Assert.InRange(accepted, Cases / 5, Cases);
    }

    [Fact]
    public void EnvironmentsAreTheFullLaunchers()
    {
        using FrontInput input = new(2);
        int compared = 0;
        for (int i = 0; i < Cases; i++, input.Clear())
        {
            List<byte[]> arguments = [.. Enumerable.Range(0, input.Random.Next(4))
                .Select(_ => (byte[])[.. "--env="u8, .. input.Word("A", "PATH", "B_2", "=", "x")]), "/"u8.ToArray()];
            List<byte[]> variables = Variables(input);
            List<byte[]> ofImage = [.. Enumerable.Range(0, input.Random.Next(4)).Select(_ => input.Word("A", "PATH", "HOME", "=", "/bin"))];
            byte[] text = Entry([.. ofImage.Select(v => (byte[])[(byte)'e', .. v])]);
            byte* slash = input.Copy("/\0"u8);
            if (!RunArguments.TryRead(input.Vector(arguments), input.Vector([]), slash, out RunArguments request))
                continue;
            Assert.True(HolderFields.TryRead(input.Copy(text, room: 1), text.Length, out HolderFields entry));
            byte** made = RankVariables.Make(input.Vector(variables), ref entry, ref request);
            List<byte[]> result = [];
            for (; *made != null; made++)
                result.Add(new ReadOnlySpan<byte>(*made, (int)CString.Length(*made)).ToArray());
            if (!variables.Concat(arguments).Concat(ofImage).All(IsUtf8))
                continue;
            compared++;
            HolderEntry full = new() { Key = "k", Pid = 1, Environment = [.. ofImage.Select(Text)] };
            List<string> expected = ContainerEnvironment.Build(full,
                RunRequest.Parse([.. arguments.Select(Text)]), input.Vector(variables));
            Assert.Equal(Seen(expected.Select(Encoding.UTF8.GetBytes)).Select(v => $"{v.Key}={v.Value}").Order(StringComparer.Ordinal),
                Seen(result).Select(v => $"{v.Key}={v.Value}").Order(StringComparer.Ordinal));
        }
        Assert.InRange(compared, Cases / 5, Cases);
    }

    static byte[] Entry(params byte[][] more) =>
        [.. "v"u8, .. RankTables.HolderVersion, .. "\0kkey\0p4711\0r/run\0d/home/user\0d/tmp\0"u8,
            .. more.SelectMany(m => (byte[])[.. m, 0]), .. ".\0"u8];

    /// <summary>An entry as it was, or changed in a few places.</summary>
    static byte[] Spoil(FrontInput input)
    {
        List<byte> bytes = [.. Entry("eA=1"u8.ToArray(), "eB"u8.ToArray())];
        for (int n = input.Random.Next(4); n > 0 && bytes.Count > 0; n--)
        {
            int at = input.Random.Next(bytes.Count);
            switch (input.Random.Next(6))
            {
                case 0: bytes.RemoveRange(at, bytes.Count - at); break;
                case 1: bytes.RemoveAt(at); break;
                case 2: bytes.Insert(at, (byte)input.Pick(0, 0, '.', '9', 'p', 's', 'k', 200)); break;
                case 3: bytes[at] = (byte)input.Random.Next(256); break;
                case 4: bytes.AddRange(bytes[at..]); break;
                default: bytes.InsertRange(at, "\0p-1\0s99999999999999999999999\0"u8.ToArray()); break;
            }
        }
        return [.. bytes];
    }

    [Fact]
    public void EntriesAreReadWholeOrNotAtAll()
    {
        using FrontInput input = new(3);
        using TemporaryDirectory directory = new();
        int accepted = 0;
        string path = Path.Combine(directory.Path, "x.entry");
        for (int i = 0; i < Cases; i++, input.Clear())
        {
            byte[] text = Spoil(input);
            if (!HolderFields.TryRead(input.Copy(text, room: 1), text.Length, out HolderFields entry))
                continue;
            accepted++;
            if (!IsUtf8(text))
                continue;
            File.WriteAllBytes(path, text);
            HolderEntry? full = HolderEntry.Read(path);
            Assert.NotNull(full);
            Assert.Equal((full.Key, full.Pid, full.Runscript),
                (Text(entry.Key), entry.Pid, entry.Runscript == null ? null : Text(entry.Runscript)));
            List<string> visible = [];
            for (byte* field = null; (field = entry.Next((byte)'d', field)) != null;)
                visible.Add(Text(field));
            Assert.Equal(full.Visible, visible);
        }
        Assert.InRange(accepted, Cases / 5, Cases - Cases / 5);
    }

    [Fact]
    public void EntryFilesOfOthersAndOtherKindsAreRefused()
    {
        using TemporaryDirectory directory = new();
        byte[] text = Entry();
        bool Reads(string name)
        {
            fixed (byte* path = Slipway.Linux.LibC.CString(Path.Combine(directory.Path, name)))
                return EntryFile.TryRead(path, out _);
        }
        directory.Write("whole", text);
        Assert.True(Reads("whole"));
        directory.Link("link", "whole");
        Assert.False(Reads("link"));
        Assert.False(Reads("."));
        Assert.False(Reads("missing"));
        directory.Write("empty", []);
        Assert.False(Reads("empty"));
        directory.Write("large", [.. text[..^2], .. Enumerable.Repeat((byte)'e', 1 << 20), .. "\0.\0"u8]);
        Assert.False(Reads("large"));
        Assert.Equal(0, Slipway.Linux.HostProgram.Run("mkfifo", [Path.Combine(directory.Path, "pipe")]));
        Assert.False(Reads("pipe"));
        directory.Write("version", [.. "vslipway-holder 0"u8, .. text[17..]]);
        Assert.False(Reads("version"));
        for (int length = 0; length < text.Length; length++)
        {
            directory.Write("cut", text[..length]);
            Assert.False(Reads("cut"));
        }
        if (Tmds.Linux.LibC.geteuid() == 0)
        {
            Assert.Equal(0, Slipway.Linux.HostProgram.Run("chown", ["65534", Path.Combine(directory.Path, "whole")]));
            Assert.False(Reads("whole"));
        }
    }

    [Fact]
    public void PathsAreMadeFullAsDotNetMakesThem()
    {
        using FrontInput input = new(4);
        for (int i = 0; i < Cases; i++, input.Clear())
        {
            byte[] path = input.Word(PathWords);
            if (path.Length == 0 || !IsUtf8(path))
                continue;
            Slipway.Shared.Text full = default;
            byte* text = input.Copy([.. path, 0]);
            TextPath.AddFull(ref full, input.Copy([.. Encoding.UTF8.GetBytes(Directory), 0]), text, text + path.Length);
            Assert.Equal(Path.GetFullPath(Text(path)), Text(full.Bytes));
        }
    }
}
