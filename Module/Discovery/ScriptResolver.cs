using System.Text;
using Microsoft.Win32.SafeHandles;
using Slipway.Linux;
using Slipway.Readers;

namespace Slipway.Discovery;

/// <summary>
/// The interpreter on a script's first line: execve(2), and for <c>env</c>, with or without <c>-S</c>, the program that it looks for:
/// env(1).
/// </summary>
/// <param name="path">Directories where <c>env</c> will look.</param>
sealed class ScriptResolver(IReadOnlyList<string> path) : Resolver
{
    public const string RuleName = "interpreter";

    /// <summary>BINPRM_BUF_SIZE (linux/binfmts.h): the kernel reads no more of a script.</summary>
    const int FirstBytes = 256;

    public override string Name => RuleName;

    public override void Resolve(FoundFile file, Closure closure)
    {
        if (file.Elf is not null || !file.Node.IsExecutable)
            return;
        foreach ((string? name, string? found, bool byEnv) in Interpreters(
            file.Path, path, closure.Tree, (severity, message, advice) => closure.Tell(severity, file.Path, Name, message, advice)))
            if (found is null)
                closure.Tell(DependencySeverity.Error, file.Path, Name, Missing(name, byEnv), byEnv
                    ? $"Install it. The directories: {string.Join(':', path)}" : "Install it, or mend the script's first line.");
            else
                closure.Add(found, new Reason(
                    Name, file.Path, $"the first line of {file.Path} {(byEnv ? $"has env look for {name}" : "names it")}"));
    }

    public static string Missing(string name, bool byEnv)
    {
        string shown = name.Length <= 80 ? $"'{name}'" : $"'{name[..80]}…'";
        return $"its interpreter {shown}{(byEnv ? ", which env looks for, is not on the PATH" : " is not there")}";
    }

    /// <summary>What a script is started by: the program that its first line names, and the one that this looks for if it is env.</summary>
    /// <returns>Each with the path that it was found by; null where it was not.</returns>
    /// <param name="canonical">Of a regular file; one that is no script gives nothing.</param>
    public static IEnumerable<(string Name, string? Path, bool ByEnv)> Interpreters(
        string canonical, IReadOnlyList<string> path, RootTree tree, Action<DependencySeverity, string, string> tell)
    {
        if (FirstLine(tree.Outside(canonical), tell) is not { } line)
            yield break;
        int at = line.AsSpan().IndexOfAny(' ', '\t');
        (string? interpreter, string? argument) = at < 0 ? (line, "") : (line[..at], line[at..].Trim());
        // a relative one is looked for where the script is started: nobody knows where that is
        yield return (interpreter, interpreter.StartsWith('/') && tree.Resolve(interpreter).Kind == FileKind.File ? interpreter
            : null, false);
        if (System.IO.Path.GetFileName(interpreter) == "env" && Program(argument) is { } program)
            yield return (program, program.StartsWith('/') ? tree.Resolve(program).Kind == FileKind.File ? program : null
                : Find(program, path, tree), true);
    }

    static string? FirstLine(string outside, Action<DependencySeverity, string, string> tell)
    {
        Span<byte> bytes = stackalloc byte[FirstBytes];
        int got;
        try
        {
            using SafeFileHandle handle = OpenedFile.HandleNamed(outside);
            got = RandomAccess.Read(handle, bytes, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the loader's resolver, which reads every file first, has told it
            return null;
        }
        bytes = bytes[..got];
        if (!bytes.StartsWith("#!"u8))
            return null;
        int end = bytes.IndexOf((byte)'\n');
        string line = Encoding.UTF8.GetString(end < 0 ? bytes[2..] : bytes[2..end]).Trim(' ', '\t', '\r');
        if (end < 0 && got == FirstBytes)
            tell(DependencySeverity.Warning, $"its first line has more than {FirstBytes - 1} bytes, of which the kernel sees no more",
                "Shorten the line.");
        if (line.Contains('\0') || line.Length == 0)
        {
            tell(DependencySeverity.Error, "its first line names no interpreter", "Mend the script's first line.");
            return null;
        }
        return line;
    }

    /// <summary>The program in the arguments of env(1): behind its options and assignments.</summary>
    static string? Program(string argument)
    {
        // without -S, all that follows the interpreter is one argument
        string[] words = argument.StartsWith("-S", StringComparison.Ordinal)
            || argument.StartsWith("--split-string", StringComparison.Ordinal) || argument.StartsWith("-vS", StringComparison.Ordinal)
            ? Split(argument[(argument.StartsWith("--", StringComparison.Ordinal) ? "--split-string".Length
                : argument.IndexOf('S', StringComparison.Ordinal) + 1)..].TrimStart('=', ' '))
            : [argument];
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i] is "-u" or "--unset" or "-C" or "--chdir" or "-a" or "--argv0")
                i++;
            else if (!words[i].StartsWith('-') && !words[i].Contains('=') && words[i].Length > 0)
                return words[i];
        }
        return null;
    }

    /// <summary>At blanks outside quotes; a backslash takes the next character as it is.</summary>
    static string[] Split(string text)
    {
        List<string> words = [];
        StringBuilder word = new();
        (char quote, bool inWord) = ('\0', false);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\\' && quote != '\'' && i + 1 < text.Length)
                (inWord, _) = (true, word.Append(text[++i] == '_' ? ' ' : text[i]));
            else if (quote != '\0' ? c == quote : c is '\'' or '"')
                (quote, inWord) = (quote != '\0' ? '\0' : c, true);
            else if (quote == '\0' && c is ' ' or '\t')
            {
                if (inWord)
                    words.Add(word.ToString());
                word.Clear();
                inWord = false;
            }
            else
                (inWord, _) = (true, word.Append(c));
        }
        if (inWord)
            words.Add(word.ToString());
        return [.. words];
    }

    /// <summary>An executable file in one of the directories; null where there is none.</summary>
    public static string? Find(string program, IEnumerable<string> directories, RootTree tree) =>
        directories.Select(d => RootTree.Join(d.TrimEnd('/') is { Length: > 0 } clean ? clean : "/", program))
            .FirstOrDefault(p => tree.Resolve(p) is { Kind: FileKind.File } found && tree.Look(found.Path).IsExecutable);
}
