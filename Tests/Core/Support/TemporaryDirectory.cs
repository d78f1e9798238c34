namespace Slipway.Tests;

/// <summary>A directory for one test.</summary>
public class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("slipway-test-").FullName;

    public string Write(string path, byte[] content, bool executable = false)
    {
        string whole = Whole(path);
        File.WriteAllBytes(whole, content);
        if (executable)
            File.SetUnixFileMode(whole, (UnixFileMode)0b111_101_101);
        return whole;
    }

    public void Write(string path, string content, bool executable = false) =>
        Write(path, System.Text.Encoding.UTF8.GetBytes(content), executable);

    public void Link(string path, string target) => File.CreateSymbolicLink(Whole(path), target);

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Directory.Delete(Path, recursive: true);
    }

    string Whole(string path)
    {
        string whole = System.IO.Path.Combine(Path, path.TrimStart('/'));
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(whole)!);
        return whole;
    }
}
