namespace Slipway.Running;

/// <summary>What <c>slipway run</c> was asked for. Read by hand: a command-line library would cost each rank milliseconds.</summary>
sealed class RunRequest
{
    /// <summary>A path, or <c>sha256:DIGEST</c> of an image in the cache.</summary>
    public string Image { get; private set; } = "";

    /// <summary>Empty: the image's runscript.</summary>
    public string[] Command { get; private set; } = [];

    public List<Bind> Binds { get; } = [];

    /// <summary>Variables set by <c>--env</c>, last; inherited ones by <c>--env NAME</c>, with the value that the caller's environment has.</summary>
    public List<(string Name, string Value, bool Inherited)> Variables { get; } = [];

    /// <summary>Overrides the step key.</summary>
    public string? Job { get; private set; }

    /// <summary><c>auto</c>, <c>none</c> or the path of a plan.</summary>
    public string Fabric { get; private set; } = "auto";

    public bool WritableTmpfs { get; private set; }

    public bool Explain { get; private set; }

    /// <summary>The image's shell instead of a command; what follows is for the shell.</summary>
    public bool Shell { get; private set; }

    /// <summary>The part of the request that makes a container what it is; ranks with the same part share one.</summary>
    public string ContainerOptions => string.Join('\n', Binds.Select(b => b.ToString()).Append(Fabric).Append(WritableTmpfs ? "writable" : ""));

    /// <summary>
    /// The arguments that say the same of a container, and of the command its first word: for the holder, which outlives this process, and whose command line others
    /// may read (proc(5)). What belongs to the rank alone, its variables and arguments, may be secret.
    /// </summary>
    public IEnumerable<string> ContainerArguments =>
        [.. Binds.SelectMany(b => new[] { "--bind", b.ToString() }), "--fabric", Fabric, .. WritableTmpfs ? (string[])["--writable-tmpfs"] : [], Image, .. Command.Take(1).SelectMany(c => new[] { "--", c })];

    /// <summary>Reads the arguments after <c>run</c>.</summary>
    /// <exception cref="SlipwayException">An unknown option, or no image.</exception>
    public static RunRequest Parse(ReadOnlySpan<string> arguments)
    {
        RunRequest request = new();
        int i = 0;
        for (; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (argument is "--")
                break;
            if (!argument.StartsWith("--", StringComparison.Ordinal))
            {
                request.Image = argument;
                i++;
                break;
            }

            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? argument : argument[..equals];
            if (name is "--writable-tmpfs" or "--explain" or "--shell" && equals < 0)
            {
                request.Shell |= name == "--shell";
                request.WritableTmpfs |= name == "--writable-tmpfs";
                request.Explain |= name == "--explain";
                continue;
            }
            if (name is not ("--job" or "--bind" or "--env" or "--fabric"))
                throw Usage($"unknown option '{argument}'");
            string value = equals >= 0 ? argument[(equals + 1)..] : ++i < arguments.Length ? arguments[i] : throw Usage($"'{name}' needs a value");
            switch (name)
            {
                case "--job": request.Job = value; break;
                case "--bind": request.Binds.Add(Bind.Parse(value)); break;
                case "--fabric" when value.Length == 0: throw Usage("'--fabric' needs auto, none or the path of a plan");
                case "--fabric": request.Fabric = value is "auto" or "none" ? value : Path.GetFullPath(value); break;
                default:
                    request.Variables.Add(Variable(value));
                    break;
            }
        }
        if (request.Image.Length == 0)
            throw Usage("no image was given");
        if (i < arguments.Length && arguments[i] == "--")
            i++;
        request.Command = arguments[i..].ToArray();
        return request;
    }

    static (string Name, string Value, bool Inherited) Variable(string text)
    {
        int at = text.IndexOf('=', StringComparison.Ordinal);
        if (text.Length == 0 || at == 0)
            throw Usage($"'--env {text}': write NAME=VALUE, or NAME for the value that it has here");
        return at > 0 ? (text[..at], text[(at + 1)..], false)
            : (text, Environment.GetEnvironmentVariable(text) ?? throw Usage($"'--env {text}': {text} is not set here: set it, or write NAME=VALUE"), true);
    }

    static SlipwayException Usage(string what) => new("RunUsage", ErrorKind.InvalidArgument, what,
        "slipway run [--job KEY] [--bind SRC[:DST[:ro]]]… [--env K[=V]]… [--fabric auto|none|FILE] [--writable-tmpfs] [--explain] IMAGE|sha256:DIGEST [-- CMD…]");
}

/// <summary>A host file or directory that is seen in the container.</summary>
sealed record Bind(string Source, string Destination, bool ReadOnly)
{
    public static Bind Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 3 || parts.Any(p => p.Length == 0) || (parts.Length == 3 && parts[2] is not ("ro" or "rw")))
            throw new SlipwayException("RunUsage", ErrorKind.InvalidArgument, $"'--bind {text}' is not SRC[:DST[:ro]]", "E.g. --bind /scratch, --bind /data:/mnt:ro.", text);
        string source = Path.GetFullPath(parts[0]);
        string destination = parts.Length > 1 ? parts[1] : source;
        if (!destination.StartsWith('/') || Path.GetFullPath(destination) == "/")
            throw new SlipwayException("RunUsage", ErrorKind.InvalidArgument, $"'--bind {text}': '{destination}' is not an absolute path below '/'", "E.g. --bind /data:/mnt:ro.", text);
        return new Bind(source, Path.GetFullPath(destination), parts.Length == 3 && parts[2] == "ro");
    }

    public override string ToString() => $"{Source}:{Destination}{(ReadOnly ? ":ro" : "")}";
}
