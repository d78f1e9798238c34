using System.Text.Json;
using Slipway.Building.Sources;
using Slipway.Linux;

namespace Slipway.Building;

/// <summary>Lock files: one that is not there is written, one that is there is obeyed and never written unless that is asked for.</summary>
static class BuildLocks
{
    const int Largest = 256 << 20;

    /// <summary>What a lock file says; null where there is none.</summary>
    /// <exception cref="SlipwayException">It is not a lock file, or of a later format.</exception>
    public static BuildLock? Read(string path)
    {
        SlipwayException Bad(string why, Exception? inner = null) => new("LockInvalid", ErrorKind.InvalidData, $"{path}: {why}", "Give the path of a lock file that Slipway wrote, or of none; -UpdateLock (--update-lock) writes it anew.", path, inner);
        try
        {
            FileInfo file = new(path);
            if (!file.Exists)
                return Directory.Exists(path) ? throw Bad("is a directory") : null;
            BuildLock? found = JsonSerializer.Deserialize(OpenedFile.BytesNamed(path, Largest), ObjectsJson.Default.BuildLock);
            if (found is null or { SchemaVersion: < 1 } || found.Sources is null || found.Sources.Any(s => s?.Packages is null || s.Packages.Any(p => p?.Urls is null || p.Sha256 is not { Length: 64 } || !Digest.IsValid(Digest.Prefix + p.Sha256))))
                throw Bad("is not a lock file");
            return found.SchemaVersion == 1 ? found : throw new SlipwayException("LockTooNew", ErrorKind.InvalidData, $"{path}: has schema version {found.SchemaVersion}, this Slipway knows 1", "Update Slipway.", path);
        }
        catch (JsonException e)
        {
            throw Bad($"is not a lock file: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Bad(e.Message, e);
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
            throw new SlipwayException("LockNotWritable", ErrorKind.WriteError, $"{path}: the lock file cannot be written: {OpenedFile.Why(e, path)}", "Choose a directory that exists and that you may write to.", path, e);
        }
    }

    /// <summary>The reason without the name of the file beside, which says nothing to a reader.</summary>
    public static string Cause(Exception e, string partial, string path) => e.Message.Replace(partial, path, StringComparison.Ordinal);

    /// <summary>The source of one stage: from the lock, where there is one and it is of this definition; else as it is now.</summary>
    public static LockedSource Source(Stage stage, RootSource root, BuildJob job, CancellationToken cancel)
    {
        if (job.Lock is null)
            return root.Resolve(cancel);
        LockedSource? locked = job.Lock.Sources.FirstOrDefault(s => s.Stage == stage.Name);
        string of = stage.Name.Length == 0 ? "the image" : $"stage '{stage.Name}'";
        if (locked is null || locked.From != stage.Source.From.Value || locked.Inputs != root.Inputs(cancel))
            throw new SlipwayException("LockOutdated", ErrorKind.InvalidData, $"{job.LockPath}: the lock is of another definition: {stage.Source.From.Where}: the source of {of} {(locked is null ? "is not in it" : "has changed since (packages, repositories, keys, priorities)")}",
                "Update it (-UpdateLock, --update-lock), or give another lock file.", job.LockPath);
        return locked;
    }
}
