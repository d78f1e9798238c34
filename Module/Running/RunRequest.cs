namespace Slipway.Running;

/// <summary>A variable of a rank.</summary>
/// <param name="Inherited">Given by its name alone (<c>--env NAME</c>): the value is the one that the caller's environment has, and stands
/// on no command line.</param>
readonly record struct RunVariable(string Name, string Value, bool Inherited = false)
{
    public override string ToString() => Inherited ? Name : $"{Name}={Value}";
}

/// <summary>What <c>slipway run</c> is asked for. Read by hand: a command-line library would cost each rank milliseconds.</summary>
sealed record RunRequest
{
    /// <summary>A path, or <c>sha256:DIGEST</c> of an image in the cache.</summary>
    public required string Image { get; init; }

    /// <summary>Empty: the image's runscript.</summary>
    public string[] Command { get; init; } = [];

    public IReadOnlyList<Bind> Binds { get; init; } = [];

    /// <summary>Variables set by <c>--env</c>; of a name, the last.</summary>
    public IReadOnlyList<RunVariable> Variables { get; init; } = [];

    /// <summary>Overrides the step key.</summary>
    public string? Job { get; init; }

    /// <summary><c>auto</c>, <c>none</c> or the path of a plan.</summary>
    public string Fabric { get; init; } = "auto";

    public bool WritableTmpfs { get; init; }

    public bool Explain { get; init; }

    /// <summary>The image's shell instead of a command; what follows is for the shell.</summary>
    public bool Shell { get; init; }

    /// <summary>The part of the request that makes a container what it is; ranks with the same part share one.</summary>
    public string ContainerOptions =>
        string.Join('\n', Binds.Select(b => b.ToString()).Append(Fabric).Append(WritableTmpfs ? "writable" : ""));

    /// <summary>
    /// The arguments that say the same of a container, and of the command its first word: for the holder, which outlives this process, and
    /// whose command line others may read (proc(5)). What belongs to the rank alone, its variables and arguments, may be secret.
    /// </summary>
    public IEnumerable<string> ContainerArguments => Arguments(RunOption.All.Where(o => o.OfContainer), Command.Take(1));

    /// <summary>The arguments after <c>run</c> that <see cref="Parse"/> reads as this request.</summary>
    public string[] ToArguments() => Arguments(RunOption.All, Command);

    string[] Arguments(IEnumerable<RunOption> options, IEnumerable<string> command) =>
    [
        .. options.SelectMany(o => Values(o).SelectMany(v => o.Value is null ? (string[])[o.Name] : [o.Name, v])),
        Image, .. command.Any() ? command.Prepend("--") : [],
    ];

    /// <summary>The values of an option, one for each time that it is given; of one that takes none, anything.</summary>
    IEnumerable<string> Values(RunOption option)
    {
        static IEnumerable<string> Where(bool given, string value = "") => given ? [value] : [];
        return option.Name switch
        {
            "--job" => Where(Job is not null, Job!),
            "--bind" => Binds.Select(b => b.ToString()),
            "--env" => Variables.Select(v => v.ToString()),
            "--fabric" => Where(Fabric != "auto", Fabric),
            "--writable-tmpfs" => Where(WritableTmpfs),
            "--explain" => Where(Explain),
            "--shell" => Where(Shell),
            _ => throw new InvalidOperationException($"{option.Name} is not composed"),
        };
    }

    /// <summary>Reads the arguments after <c>run</c>.</summary>
    /// <exception cref="SlipwayException">An unknown option, or no image.</exception>
    public static RunRequest Parse(ReadOnlySpan<string> arguments)
    {
        string image = "", fabric = "auto";
        string? job = null;
        List<Bind> binds = [];
        List<RunVariable> variables = [];
        bool writable = false, explain = false, shell = false;
        int i = 0;
        for (; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (argument is "--")
                break;
            if (!argument.StartsWith("--", StringComparison.Ordinal))
            {
                image = argument;
                i++;
                break;
            }

            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? argument : argument[..equals];
            if (RunOption.All.FirstOrDefault(o => o.Name == name) is not { } option || (option.Value is null && equals >= 0))
                throw RunningErrors.Usage($"unknown option '{argument}'");
            string value = option.Value is null ? "" : equals >= 0 ? argument[(equals + 1)..] : ++i < arguments.Length ? arguments[i]
                : throw RunningErrors.Usage($"'{name}' needs a value");
            switch (name)
            {
                case "--job": job = value; break;
                case "--bind": binds.Add(Bind.Parse(value)); break;
                case "--env": variables.Add(Variable(value)); break;
                case "--fabric" when value.Length == 0: throw RunningErrors.Usage("'--fabric' needs auto, none or the path of a plan");
                case "--fabric": fabric = value is "auto" or "none" ? value : Path.GetFullPath(value); break;
                case "--writable-tmpfs": writable = true; break;
                case "--explain": explain = true; break;
                case "--shell": shell = true; break;
                default: throw new InvalidOperationException($"{name} is not read");
            }
        }
        if (image.Length == 0)
            throw RunningErrors.Usage("no image was given");
        if (i < arguments.Length && arguments[i] == "--")
            i++;
        return new RunRequest
        {
            Image = image, Command = arguments[i..].ToArray(), Binds = binds, Variables = variables, Job = job, Fabric = fabric,
            WritableTmpfs = writable, Explain = explain, Shell = shell,
        };
    }

    static RunVariable Variable(string text)
    {
        int at = text.IndexOf('=', StringComparison.Ordinal);
        if (text.Length == 0 || at == 0)
            throw RunningErrors.Usage($"'--env {text}': write NAME=VALUE, or NAME for the value that it has here");
        return at > 0 ? new RunVariable(text[..at], text[(at + 1)..])
            : new RunVariable(text, Environment.GetEnvironmentVariable(text)
                ?? throw RunningErrors.Usage($"'--env {text}': {text} is not set here: set it, or write NAME=VALUE"), Inherited: true);
    }
}
