using Slipway.Linux;
using Slipway.Shared;

namespace Slipway.Building.Inside;

/// <summary>
/// What fakeroot(1) remembers of the files of a root, put right after each step. It knows a file by its inode's number, and does not see
/// what a statically linked program removes:
/// the file that gets the number next is taken for what was there before, be that a directory or another owner's (fakeroot: faked.c,
/// process_stat and process_chmod).
/// </summary>
/// <remarks>
/// It shows where the kernel knows of another type or mode, for fakeroot sets modes in earnest too. Owners it does not set: every inode
/// that is not root's is held open, and its number not given again while the build lasts. What is left is a file of another owner that such
/// a program removes in the very step that made it.
/// </remarks>
sealed class FakerootRecords(Action<string> log)
{
    /// <summary>What the builder has open besides.</summary>
    const int OtherDescriptors = 256;

    readonly Dictionary<(uint, uint, ulong), int> held = [];

    /// <summary>
    /// Of one walk: files that were made anew, by what they were; those are held too, so that their numbers do not come again.
    /// </summary>
    readonly Dictionary<(uint, uint, ulong), (int Old, int New)> renewed = [];

    readonly int most = MostDescriptors() - OtherDescriptors;

    /// <summary>
    /// Walks a root in which nothing is mounted. By descriptors: a program that a step has left running may still change it.
    /// </summary>
    public void Mend(string root)
    {
        int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0), mended;
        try
        {
            mended = Look(fd);
        }
        finally
        {
            close(fd);
            foreach ((int before, int now) in renewed.Values)
            {
                close(before);
                close(now);
            }
            renewed.Clear();
        }
        if (mended > 0)
            log($"fakeroot took {mended} files for others, which a statically linked program had removed: that is put right");
    }

    /// <returns>How many were put right.</returns>
    int Look(int directory)
    {
        string path = $"/proc/self/fd/{directory}";
        if (kernel_stat(path, out statx real) != 0 || stat(path, out statx told) != 0)
            return 0;
        int mended = 0;
        bool anew = false;
        foreach (string name in Directory.GetFileSystemEntries(path).Select(entry => Path.GetFileName(entry)))
        {
            int entry = Open(directory, name);
            if (entry < 0 || kernel_stat($"/proc/self/fd/{entry}", out statx found) != 0)
                continue;
            bool sets = found.IsDirectory && (told.stx_mode & S_ISGID) != 0;
            if (IsWrong(entry, found, sets ? told.stx_gid : 0))
            {
                mended++;
                if (!Correct(entry, found, sets ? told.stx_gid : 0))
                {
                    Replace(directory, name, entry, found);
                    entry = Open(directory, name);
                    anew = true;
                }
            }
            if (found.IsDirectory)
                mended += Look(entry);
            Hold(entry);
        }
        // a file that is made anew is no change of its directory
        if (anew)
            SetModified(path + "/.", real.stx_mtime.tv_sec);
        return mended;
    }

    static int Open(int directory, string name) => openat2(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, RESOLVE_BENEATH);

    /// <summary>Keeps the descriptor of what is not root's, once.</summary>
    void Hold(int entry)
    {
        if (entry >= 0 && (held.Count >= most || stat($"/proc/self/fd/{entry}", out statx told) != 0 || (told.stx_uid | told.stx_gid) == 0
            || !held.TryAdd(Key(told), entry)))
            close(entry);
    }

    static (uint, uint, ulong) Key(in statx file) => (file.stx_dev_major, file.stx_dev_minor, file.stx_ino);

    /// <param name="group">Of the directory above, where what is made in it gets that.</param>
    static bool IsWrong(int entry, in statx real, uint group)
    {
        string path = $"/proc/self/fd/{entry}";
        if (stat(path, out statx told) != 0)
            return false;
        // mknod(2) makes a file of a device
        if (real.Type != told.Type)
            return !(real.IsRegular && (told.Type == S_IFCHR || told.Type == S_IFBLK));
        // the owner's own bits are given in earnest, asked for or not: libfakeroot.c, chmod and mkdir
        uint mode = real.stx_mode & Mode.Bits, remembered = told.stx_mode & Mode.Bits;
        uint owner = real.IsDirectory ? Mode.rwx______ : Mode.rw_______;
        if (real.IsLink || mode == remembered || mode == (remembered | owner))
            return false;
        if (group == 0 || mode != (remembered | owner | (ushort)S_ISGID))
            return true;
        // mkdir(2) in a directory with set-group-ID
        chmod(path, remembered | (ushort)S_ISGID);
        if (told.stx_gid == 0)
            chown(path, told.stx_uid, group);
        return false;
    }

    /// <returns>False where faked(1) does not let itself be corrected: from whatever it was to a regular file (or a link, which has no
    /// chmod).</returns>
    static bool Correct(int entry, in statx real, uint group)
    {
        string path = $"/proc/self/fd/{entry}";
        if (!real.IsLink)
            chmod(path, real.stx_mode & Mode.Bits);
        chown(path, 0, group);
        return stat(path, out statx told) == 0 && real.Type == told.Type;
    }

    /// <summary>Makes a file or link anew, in all but its number what it was; fakeroot sees the old one go.</summary>
    void Replace(int directory, string name, int entry, in statx real)
    {
        string place = $"/proc/self/fd/{directory}/{name}", next = $"/proc/self/fd/{directory}/.slipway-{Guid.NewGuid():n}";
        string from = $"/proc/self/fd/{entry}";
        if (renewed.TryGetValue(Key(real), out (int Old, int New) again))
        {
            close(entry);
            Check(linkat(again.New, next));
        }
        else
        {
            do
            {
                // the number of this one may be remembered too, and is forgotten here
                unlink(next);
                Check(real.IsLink ? symlink(new FileInfo(place).LinkTarget!, next) : Copy(from, next));
            }
            while (kernel_stat(next, out statx made, follow: false) != 0 || stat(next, out statx told, follow: false) != 0
                || made.Type != told.Type);
            if (!real.IsLink)
                chmod(next, real.stx_mode & Mode.Bits);
            lchown(next, 0, 0);
            SetModified(next, real.stx_mtime.tv_sec);
            renewed[Key(real)] = (entry, Open(directory, Path.GetFileName(next)));
        }
        Check(rename(next, place));

        void Check(int result)
        {
            if (result != 0)
                throw errno == ENOSPC ? new IOException("No space left on device")
                    : new IOException($"{name}: fakeroot takes it for another file, and it cannot be made anew (errno {errno})");
        }
    }

    /// <summary>By read(2) and write(2) alone: .NET would ask whether it is a directory, and be told so.</summary>
    static unsafe int Copy(string from, string to)
    {
        int source = open(from, O_RDONLY | O_CLOEXEC, 0);
        int target = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, Mode.rw_______);
        byte[] buffer = new byte[1 << 17];
        long n = target < 0 ? -1 : 1;
        fixed (byte* bytes = buffer)
            while (n > 0 && (n = read(source, bytes, buffer.Length)) > 0)
                for (long done = 0, wrote; n > 0 && done < n; done += wrote)
                    if ((wrote = write(target, bytes + done, (int)(n - done))) < 0)
                        n = wrote = -1;
        int failed = errno;
        if (source >= 0)
            close(source);
        if (target >= 0)
            close(target);
        System.Runtime.InteropServices.Marshal.SetLastPInvokeError(failed);
        return (int)n;
    }

    /// <summary>The soft limit (proc_pid_limits(5)).</summary>
    static int MostDescriptors() => File.ReadLines("/proc/self/limits")
        .Where(line => line.StartsWith("Max open files", StringComparison.Ordinal))
        .Select(line => int.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], out int soft) ? soft : 1024)
        .FirstOrDefault(1024);
}
