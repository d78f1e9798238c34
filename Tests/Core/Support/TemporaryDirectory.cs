namespace Slipway.Tests;

/// <summary>A directory for one test.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("slipway-test-").FullName;

    public string Write(string path, byte[] content)
    {
        string whole = Whole(path);
        File.WriteAllBytes(whole, content);
        return whole;
    }

    public void Write(string path, string content) => Write(path, System.Text.Encoding.UTF8.GetBytes(content));

    public void Link(string path, string target) => File.CreateSymbolicLink(Whole(path), target);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    string Whole(string path)
    {
        string whole = System.IO.Path.Combine(Path, path.TrimStart('/'));
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(whole)!);
        return whole;
    }
}
