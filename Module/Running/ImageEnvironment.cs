namespace Slipway.Running;

/// <summary>The variables that an image sets: <c>/ch/environment</c>, which our images and Charliecloud's have (NAME=VALUE, one a line).</summary>
internal static class ImageEnvironment
{
    const string File = "/ch/environment";

    /// <summary>Read inside the container, so no link of the image leads out of it.</summary>
    public static IEnumerable<string> Read()
    {
        if (!System.IO.File.Exists(File) || new FileInfo(File).Length > 1 << 20)
            return [];
        return System.IO.File.ReadAllLines(File).Where(line => line.IndexOf('=', StringComparison.Ordinal) > 0 && !line.Contains('\0'));
    }
}
