namespace Slipway.Shared;

/// <summary>The files of one holder in the runtime directory: its name, and each of these endings.</summary>
static class HolderEndings
{
    public static ReadOnlySpan<byte> Socket => ".sock"u8;

    public static ReadOnlySpan<byte> Entry => ".entry"u8;

    /// <summary>An entry that is being written.</summary>
    public static ReadOnlySpan<byte> PartialEntry => ".entry.new"u8;

    /// <summary>What the holder did, for <c>--explain</c>.</summary>
    public static ReadOnlySpan<byte> Explanation => ".explain"u8;

    public static ReadOnlySpan<byte> Lock => ".lock"u8;

    /// <summary>All of them, each with a zero at its end. The lock goes last: who has it may take the others away.</summary>
    public static ReadOnlySpan<byte> All => ".sock\0.entry\0.entry.new\0.explain\0.lock\0"u8;
}
