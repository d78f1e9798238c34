using System.Text.Json;
using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building;

/// <summary>Lock files: one that is not there is written, one that is there is obeyed and never written unless that is asked for.</summary>
static class BuildLocks
{
    const int Largest = 256 << 20;

    /// <summary>What a lock file says; null where there is none.</summary>
    /// <exception cref="SlipwayException">It is not a lock file, or of a later format.</exception>
    public static BuildLock? Read(string path)
    {
        try
        {
            FileInfo file = new(path);
            if (!file.Exists)
                return Directory.Exists(path) ? throw BuildErrors.LockInvalid(path, "is a directory") : null;
            BuildLock? found = JsonSerializer.Deserialize(OpenedFile.BytesNamed(path, Largest), ObjectsJson.Default.BuildLock);
            if (found is null or { SchemaVersion: < 1 } || found.Sources is null
                || found.Sources.Any(s => s?.Packages is null
                    || s.Packages.Any(p => p?.Urls is null || p.Sha256 is not { Length: 64 } || !Digest.IsValid(Digest.Prefix + p.Sha256))))
                throw BuildErrors.LockInvalid(path, "is not a lock file");
            return found.SchemaVersion == 1 ? found : throw BuildErrors.LockTooNew(path, found.SchemaVersion);
        }
        catch (JsonException e)
        {
            throw BuildErrors.LockInvalid(path, $"is not a lock file: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BuildErrors.LockInvalid(path, e.Message, e);
        }
    }

    /// <summary>Writes a lock file beside its place and renames it.</summary>
    public static void Write(string path, BuildLock content)
    {
        try
        {
            AtomicFile.Write(path, Mode.rw_rw_rw_, JsonSerializer.Serialize(content, ObjectsJson.Default.BuildLock) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BuildErrors.LockNotWritable(path, e);
        }
    }
}
