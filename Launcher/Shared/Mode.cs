namespace Slipway.Shared;

/// <summary>
/// Modes of files under the names that ls(1) shows, and masks of their bits (inode(7)). C# has no octal numbers: a group of three binary
/// digits is an octal one.
/// </summary>
static class Mode
{
    public const uint
        r__r__r__ = 0b100_100_100, // 0444
        r_x______ = 0b101_000_000, // 0500
        rw_______ = 0b110_000_000, // 0600
        rw_r__r__ = 0b110_100_100, // 0644
        rw_rw_rw_ = 0b110_110_110, // 0666: what the umask leaves of it
        rwx______ = 0b111_000_000, // 0700
        rwxr_xr_x = 0b111_101_101, // 0755
        rwxrwxrwx = 0b111_111_111, // 0777
        rwxrwxrwt = 0b001_111_111_111; // 01777

    /// <summary>All bits that chmod(2) sets, and st_mode has beside the type of the file.</summary>
    public const uint Bits = 0b111_111_111_111; // 07777

    /// <summary>What makes a program of a file, for whomever.</summary>
    public const uint Execute = 0b001_001_001; // 0111

    public const uint GroupAndOthers = 0b000_111_111; // 0077

    /// <summary>Somebody else may write. The mask of an ACL is the group's bits (acl(5)).</summary>
    public const uint GroupOrOthersWrite = 0b000_010_010; // 0022

    /// <summary>The program runs as its owner, or with its group.</summary>
    public const uint SetId = 0b110_000_000_000; // 06000

    /// <summary>Of a directory: a name in it is its owner's alone to change.</summary>
    public const uint Sticky = 0b001_000_000_000; // 01000
}
