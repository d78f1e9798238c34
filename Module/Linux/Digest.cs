using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Slipway.Linux;

/// <summary>SHA-256 of files, as <c>sha256:</c> and 64 hexadecimal digits.</summary>
public static class Digest
{
    public const string Prefix = "sha256:";

    /// <summary>
    /// .NET hashes through the host's OpenSSL, and aborts the process where there is none: look first, and take sha256sum(1) then.
    /// </summary>
    static readonly Lazy<bool> HasOpenSsl = new(() =>
        new[] { "libssl.so.3", "libssl.so.1.1", "libssl.so.10", "libssl.so" }.Any(name => NativeLibrary.TryLoad(name, out _)));

    /// <summary>A hash to be fed; null where the host has no OpenSSL, and a file can only be hashed when it is whole.</summary>
    internal static IncrementalHash? Start() => HasOpenSsl.Value ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;

    /// <summary>The digest of a file's bytes.</summary>
    /// <param name="progress">Gets the number of bytes read so far.</param>
    public static string OfFile(string path, Action<long>? progress = null, CancellationToken cancel = default)
    {
        if (!HasOpenSsl.Value)
            return Prefix + (HostProgram.Read("sha256sum", "--", path) is { Length: >= 64 } line ? line.TrimStart('\\')[..64]
                : throw LinuxErrors.DigestFailed(path));
        using FileStream file = OpenedFile.Named(path);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        long done = 0;
        for (int n; (n = file.Read(buffer)) > 0; progress?.Invoke(done += n))
        {
            cancel.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, n);
        }
        return Prefix + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The digest of a text's UTF-8 bytes.</summary>
    public static string OfText(string text)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        if (HasOpenSsl.Value)
            return Prefix + Convert.ToHexStringLower(SHA256.HashData(bytes));
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, bytes);
            return OfFile(file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>True for <c>sha256:</c> and 64 lower-case hexadecimal digits, and nothing else: it becomes part of a path.</summary>
    public static bool IsValid(string digest) =>
        digest.Length == Prefix.Length + 64 && digest.StartsWith(Prefix, StringComparison.Ordinal)
        && !digest.AsSpan(Prefix.Length).ContainsAnyExcept("0123456789abcdef");
}
