namespace Slipway.Running;

/// <summary>A host file or directory that is seen in the container.</summary>
sealed record Bind(string Source, string Destination, bool ReadOnly)
{
    public static Bind Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 3 || parts.Any(p => p.Length == 0) || (parts.Length == 3 && parts[2] is not ("ro" or "rw")))
            throw RunningErrors.BadBind(text, "is not SRC[:DST[:ro]]", "E.g. --bind /scratch, --bind /data:/mnt:ro.");
        string source = Path.GetFullPath(parts[0]);
        string destination = parts.Length > 1 ? parts[1] : source;
        if (!destination.StartsWith('/') || Path.GetFullPath(destination) == "/")
            throw RunningErrors.BadBind(text, $"has '{destination}', which is not an absolute path below '/'",
                "E.g. --bind /data:/mnt:ro.");
        return new Bind(source, Path.GetFullPath(destination), parts.Length == 3 && parts[2] == "ro");
    }

    public override string ToString() => $"{Source}:{Destination}{(ReadOnly ? ":ro" : "")}";
}
