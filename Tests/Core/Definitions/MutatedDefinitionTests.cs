using System.Diagnostics;
using System.Text;
using Slipway.Definitions;

namespace Slipway.Tests.Definitions;

/// <summary>3,500 definitions that nobody wrote so: an error of ours with file, line and column, or a definition.</summary>
public sealed class MutatedDefinitionTests
{
    const string File = "/site/app.yaml";

    static readonly string[] Pieces =
    [
        "\t", "\n", "\n\t", "\r", ": ", "- ", "? ", "&a ", "*a ", "!!str ", "!<x> ", "| ", "> ", "|2\n", "%YAML 1.2\n---\n", "---\n",
        "...\n", "{", "}", "[", "]", ",", "\"", "'", "\\x", "\"\\UFFFFFFFF\"", "\"\\0\"", "\"\\ud800\"", "#",
        "@", "`", "${", "${v}", "$${v}", "}", "~", "null", "<<: *a\n", "\u0085", "\u2028", "\ufeff", "\0", "\u001b", "99999999999999999999",
        "-1", "../", "from: host\n", "  ", "        ",
    ];

    static readonly string[] Whole =
    [
        """
        from: deb
        suite: bookworm
        repositories:
          - {name: main, components: [main, contrib]}
          - {name: site, url: "https://repo.example.org/debian", suite: stable, components: main, trusted: true, priority: 900}
        packages: [openmpi-bin, lammps=1.2-3]
        fabric: auto
        files:
          - {from: /etc/hostname, to: /opt/in.melt, mode: "0640"}
          - {stage: s, from: /a, to: /b}
        run: [ldconfig, "echo ${v} $${v}"]
        variables: {v: &a "1", w: ~}
        stages:
          s: {from: empty, run: ["true"]}
        environment: {OMP_NUM_THREADS: "${v}", EMPTY: ""}
        runscript: |
          exec lmp "$@"
        test: lmp -h
        labels: {maintainer: hpc@example.org, again: *a}
        """,
        """
        from: host
        programs: [lmp, python3]
        packages: [fonts-dejavu-core]
        files: [/etc/hostname, {from: /etc/passwd, to: /etc/x}]
        exclude: ["/usr/share/doc/**", "/{a,b}/{c,d}"]
        """,
        """
        from: rpm
        release: "9"
        repositories:
          - {name: base, url: "https://example.org/BaseOS/x86_64/os/", trusted: true, priority: 99}
        packages: [libibverbs]
        """,
    ];

    static readonly IReadOnlyDictionary<string, string> Set = new Dictionary<string, string>();

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    public void AnErrorOfOursOrADefinition(int seed)
    {
        Mutator mutator = new(seed, Pieces);
        int refused = 0;
        Stopwatch time = Stopwatch.StartNew();
        for (int i = 0; i < 700; i++)
        {
            string text = Encoding.UTF8.GetString(mutator.Change(Encoding.UTF8.GetBytes(Whole[i % Whole.Length])));
            try
            {
                Assert.NotNull(DefinitionReader.Parse(text, File, Set).Source);
            }
            catch (SlipwayException e)
            {
                Assert.StartsWith(File + ":", e.Message, StringComparison.Ordinal);
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, number {i}: {e}\n{text}");
            }
        }
        Assert.InRange(refused, 100, 690);
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 60);
    }
}
