namespace Slipway.Running;

/// <summary>The variables that an image sets: <c>/ch/environment</c>, which our images and Charliecloud's have (NAME=VALUE, one a line), and the plan's.</summary>
internal static class ImageEnvironment
{
    const string File = "/ch/environment";

    /// <summary>Read inside the container, so no link of the image leads out of it. As NAME=VALUE.</summary>
    public static List<string> Read(FabricPlan? plan)
    {
        Dictionary<string, string> variables = new(StringComparer.Ordinal);
        if (System.IO.File.Exists(File) && new FileInfo(File).Length <= 1 << 20)
            foreach (string line in System.IO.File.ReadAllLines(File))
                if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && !line.Contains('\0'))
                    variables[line[..at]] = line[(at + 1)..];
        // all of the plan's variables are search paths: what the plan adds comes first, what the image has stays
        foreach ((string name, string value) in plan?.Environment ?? new Dictionary<string, string>())
            variables[name] = variables.TryGetValue(name, out string? own) && own.Length > 0 ? $"{value}:{own}" : value;
        return [.. variables.Select(pair => $"{pair.Key}={pair.Value}")];
    }
}
