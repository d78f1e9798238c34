using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Slipway.Front;
using Slipway.Running;

namespace Slipway.Tests.Running;

/// <summary>An option of <c>slipway run</c> is known wherever options are.</summary>
public sealed unsafe class RunOptionTests
{
    /// <summary>A value that it takes.</summary>
    static string Value(RunOption option) =>
        option.Name switch { "--bind" => "/data:/data:ro", "--env" => "A=b", "--fabric" => "none", _ => "word" };

    static string[] Given(RunOption option) => option.Value is null ? [option.Name] : [option.Name, Value(option)];

    public static TheoryData<string> Names => [.. RunOption.All.Select(o => o.Name)];

    [Fact]
    public void TheTableIsWhole()
    {
        Assert.Equal(["--job", "--bind", "--env", "--fabric", "--writable-tmpfs", "--explain", "--shell"],
            RunOption.All.Select(o => o.Name));
        Assert.All(RunOption.All, o => Assert.NotEmpty(o.Description));
        // a holder that the front starts is told what the front was
        Assert.All(RunOption.All.Where(o => o.OfContainer), o => Assert.True(o.Front));
        Assert.Equal("[--job KEY] [--bind SRC[:DST[:ro]]]… [--env K[=V]]… [--fabric auto|none|FILE] [--writable-tmpfs] [--explain]",
            string.Join(' ', RunOption.All.Where(o => !o.Hidden)));
    }

    [Theory, MemberData(nameof(Names))]
    public void ItIsReadAndComposed(string name)
    {
        RunOption option = RunOption.Find(name);
        string[] once = [.. Given(option), "x"], twice = [.. Given(option), .. once];
        Assert.Equal(once, RunRequest.Parse(once).ToArguments());
        Assert.Equal(option.Repeats ? twice : once, RunRequest.Parse(twice).ToArguments());
        Assert.Equal(option.OfContainer ? once : ["x"], RunRequest.Parse(once).ContainerArguments);
        Assert.Equal(option.OfContainer, RunRequest.Parse(once).ContainerOptions != RunRequest.Parse(["x"]).ContainerOptions);
        if (option.Value is not null)
            Assert.Equal(once, RunRequest.Parse([$"{name}={Value(option)}", "x"]).ToArguments());
    }

    [Theory, MemberData(nameof(Names))]
    public void TheFrontServesItOrHandsItOver(string name)
    {
        RunOption option = RunOption.Find(name);
        using FrontInput input = new(1);
        byte** environment = input.Vector([]);
        byte* directory = input.Copy("/\0"u8);
        bool isServed = RunArguments.TryRead(input.Vector([.. Given(option).Append("x").Select(Encoding.UTF8.GetBytes)]), environment,
            directory, out RunArguments read);
        Assert.Equal(option.Front, isServed);
        if (!isServed)
            return;
        Assert.Equal(option.OfContainer ? Given(option).Length + 1 : 1, read.OfContainerCount);
        Assert.Equal(RunRequest.Parse([.. Given(option), "x"]).ContainerOptions,
            Encoding.UTF8.GetString(read.ContainerOptions.Bytes, (int)read.ContainerOptions.Length));
        // and each with a value that is missing, or too much, is not its to explain
        string bad = option.Value is null ? name + "=x" : name;
        Assert.False(RunArguments.TryRead(input.Vector([Encoding.UTF8.GetBytes(bad)]), environment, directory, out _));
    }

    [Theory, MemberData(nameof(Names))]
    public void TheDocumentationTellsIt(string name)
    {
        if (!RunOption.Find(name).Hidden)
            Assert.Contains(name, File.ReadAllText(Path.Combine(Cli.Repository, "docs/running.md")), StringComparison.Ordinal);
    }

    [NeedsTheory(Needs.Launcher), MemberData(nameof(Names))]
    public void TheHelpTellsIt(string name)
    {
        RunOption option = RunOption.Find(name);
        string help = Regex.Replace(Cli.Run("run", "--help").Output, @"\s+", " ");
        Assert.Equal(!option.Hidden, Regex.IsMatch(help, $@"\s{name}\s"));
        Assert.Equal(!option.Hidden, help.Contains(option.Description, StringComparison.Ordinal));
    }

    /// <summary>Why there is no parameter of Invoke-Container for an option.</summary>
    static readonly Dictionary<string, string> Without = new()
    {
        ["--explain"] = "what is chosen is told on standard error, which the result has with the command's own",
        ["--shell"] = "a shell needs the terminal, which a cmdlet has not",
    };

    [Theory, MemberData(nameof(Names))]
    public void InvokeContainerHasAParameterForIt(string name)
    {
        string cmdlet = File.ReadAllText(Path.Combine(Cli.Repository, "Cmdlets/InvokeContainerCommand.cs"));
        string parameter = string.Concat(
            name.Split('-', StringSplitOptions.RemoveEmptyEntries).Select(w => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(w)));
        bool has = Regex.IsMatch(cmdlet, $@"public \S+ {parameter} {{")
            || cmdlet.Contains($"[Alias(\"{parameter}\")]", StringComparison.Ordinal);
        Assert.NotEqual(has, Without.ContainsKey(name));
    }
}
