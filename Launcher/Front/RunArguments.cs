using System;
using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Front;

/// <summary>
/// The arguments of <c>slipway run</c>, as far as a rank on its way into a running container needs them (RunRequest reads them for
/// everything else).
/// </summary>
unsafe struct RunArguments
{
    /// <summary>A path, or <c>sha256:DIGEST</c>.</summary>
    public byte* Image;

    /// <summary>What to run, ended by a null pointer; without a first word, the image's runscript.</summary>
    public byte** Command;

    /// <summary>Overrides the step key; null where it was not given.</summary>
    public byte* Job;

    /// <summary>True where the plan beside the image is meant.</summary>
    public bool FabricIsAuto;

    /// <summary>NAME=VALUE of each <c>--env</c>.</summary>
    public byte** Variables;

    public int VariableCount;

    /// <summary>
    /// The arguments for a holder, ended by a null pointer: what is the container's, and not the rank's (RunRequest.ContainerArguments).
    /// </summary>
    public byte** OfContainer;

    public int OfContainerCount;

    /// <summary>The part that makes a container what it is, as RunRequest.ContainerOptions has it.</summary>
    public Text ContainerOptions;

    /// <summary>Reads the arguments after <c>run</c>, ended by a null pointer.</summary>
    /// <param name="environment">Has the values of <c>--env NAME</c>.</param>
    /// <returns>False for whatever the full program has to see: a mistake, <c>--explain</c>, help.</returns>
    public static bool TryRead(byte** arguments, byte** environment, byte* workingDirectory, out RunArguments result)
    {
        result = default;
        int count = 0;
        while (arguments[count] != null)
            count++;
        result.Variables = (byte**)Room(null, (nuint)(count + 1) * (nuint)sizeof(byte*));
        result.OfContainer = (byte**)Room(null, (nuint)(count + 1) * (nuint)sizeof(byte*));
        byte* fabric = null;
        bool writable = false;
        for (; *arguments != null && result.Image == null; arguments++)
        {
            byte* argument = *arguments;
            if (!CString.StartsWith(argument, "--"u8))
            {
                result.Image = result.Keep(argument);
                continue;
            }
            if (!IsServed(argument, out bool takesValue, out bool ofContainer))
                return false;
            if (ofContainer)
                result.Keep(argument);
            byte* value = takesValue ? CString.Find(argument, (byte)'=') : null;
            if (value != null)
                value++;
            else if (takesValue)
            {
                value = *++arguments;
                if (value == null)
                    return false;
                if (ofContainer)
                    result.Keep(value);
            }
            bool isRead = true;
            if (IsOption(argument, "--job"u8))
                result.Job = value;
            else if (IsOption(argument, "--writable-tmpfs"u8))
                writable = true;
            else if (IsOption(argument, "--fabric"u8))
                isRead = *(fabric = value) != 0;
            else if (IsOption(argument, "--bind"u8))
                isRead = AddBind(ref result.ContainerOptions, workingDirectory, value);
            else
                isRead = IsOption(argument, "--env"u8) && result.AddVariable(environment, value);
            if (!isRead)
                return false;
        }
        if (result.Image == null || *result.Image == 0)
            return false;
        if (*arguments != null && CString.IsSame(*arguments, "--"u8))
            arguments++;
        result.Command = arguments;
        // its first word is read ahead (ContainerRoot.ReadAhead)
        if (*arguments != null)
            result.Keep(*arguments);
        result.OfContainer[result.OfContainerCount] = null;

        result.FabricIsAuto = fabric == null || CString.IsSame(fabric, "auto"u8);
        if (result.FabricIsAuto)
            result.ContainerOptions.Add("auto"u8);
        else if (CString.IsSame(fabric, "none"u8))
            result.ContainerOptions.Add("none"u8);
        else
            TextPath.AddFull(ref result.ContainerOptions, workingDirectory, fabric, fabric + CString.Length(fabric));
        result.ContainerOptions.Add((byte)'\n');
        if (writable)
            result.ContainerOptions.Add("writable"u8);
        return true;
    }

    byte* Keep(byte* argument) => OfContainer[OfContainerCount++] = argument;

    /// <summary>NAME=VALUE, or NAME, whose value our own environment has.</summary>
    bool AddVariable(byte** environment, byte* variable)
    {
        if (*variable is 0 or (byte)'=')
            return false;
        if (CString.Find(variable, (byte)'=') == null)
        {
            for (; *environment != null; environment++)
            {
                byte* found = *environment;
                nuint length = CString.Length(variable), i = 0;
                while (i < length && found[i] == variable[i])
                    i++;
                if (i == length && found[i] == '=')
                    break;
            }
            variable = *environment;
        }
        if (variable == null)
            return false;
        Variables[VariableCount++] = variable;
        return true;
    }

    /// <summary>Looks an argument up in the table of options.</summary>
    /// <returns>False where the full program has to see it: it is none of them, or not ours to serve.</returns>
    static bool IsServed(byte* argument, out bool takesValue, out bool ofContainer)
    {
        ReadOnlySpan<byte> rows = RunOptions.Rows;
        takesValue = ofContainer = false;
        for (int at = 0; at < rows.Length; at++)
        {
            int length = 0;
            while (rows[at + length] != ' ' && argument[length] == rows[at + length])
                length++;
            bool isIt = rows[at + length] == ' ' && (argument[length] is 0 or (byte)'=');
            int value = Word(rows, at), whose = Word(rows, Word(rows, value)), server = Word(rows, whose);
            if (isIt)
            {
                takesValue = !IsWord(rows, value, "-"u8);
                ofContainer = IsWord(rows, whose, "container"u8);
                return IsWord(rows, server, "front"u8) && (takesValue || argument[length] == 0);
            }
            for (at = server; rows[at] != '\n';)
                at++;
        }
        return false;
    }

    /// <summary>Where the word begins that follows the one here.</summary>
    static int Word(ReadOnlySpan<byte> row, int at)
    {
        while (row[at] != ' ')
            at++;
        return at + 1;
    }

    static bool IsWord(ReadOnlySpan<byte> row, int at, ReadOnlySpan<byte> word)
    {
        int length = 0;
        while (length < word.Length && row[at + length] == word[length])
            length++;
        return length == word.Length && row[at + length] == ' ';
    }

    /// <summary>True for <c>--option</c> and for <c>--option=VALUE</c>.</summary>
    static bool IsOption(byte* argument, ReadOnlySpan<byte> option) =>
        CString.StartsWith(argument, option) && (argument[option.Length] == 0 || argument[option.Length] == '=');

    /// <summary>SRC[:DST[:ro]] with full paths, as Bind.ToString has it, and the end of the line.</summary>
    static bool AddBind(ref Text to, byte* workingDirectory, byte* bind)
    {
        byte** parts = stackalloc byte*[4];
        int count = 0;
        for (byte* part = bind; ; part++)
        {
            if (count == 3 || *part == 0 || *part == ':')
                return false;
            parts[count++] = part;
            while (*part != 0 && *part != ':')
                part++;
            parts[count] = part + 1;
            if (*part == 0)
                break;
        }
        bool readOnly = count == 3 && CString.IsSame(parts[2], "ro"u8);
        if ((count == 3 && !readOnly && !CString.IsSame(parts[2], "rw"u8)) || (count > 1 && *parts[1] != '/'))
            return false;
        TextPath.AddFull(ref to, workingDirectory, parts[0], parts[1] - 1);
        to.Add((byte)':');
        nuint destination = to.Length;
        int from = count > 1 ? 1 : 0;
        TextPath.AddFull(ref to, workingDirectory, parts[from], parts[from + 1] - 1);
        if (to.Length - destination == 1) // the root
            return false;
        if (readOnly)
            to.Add(":ro"u8);
        to.Add((byte)'\n');
        return true;
    }
}
