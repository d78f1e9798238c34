using System.Reflection;
using Slipway.Shared;

namespace Slipway.Tests.Shared;

public sealed class ModeTests
{
    /// <summary>The names are ls(1)'s; .NET has each bit under a name of its own.</summary>
    [Fact]
    public void ANameIsWhatLsShows()
    {
        FieldInfo[] named = [.. typeof(Mode).GetFields().Where(f => f.Name is ['r' or '_', ..])];
        Assert.True(named.Length > 8);
        foreach (FieldInfo field in named)
            Assert.Equal(Shown((UnixFileMode)(uint)field.GetRawConstantValue()!), field.Name);
    }

    static string Shown(UnixFileMode mode)
    {
        UnixFileMode[] bits =
        [
            UnixFileMode.UserRead, UnixFileMode.UserWrite, UnixFileMode.UserExecute, UnixFileMode.GroupRead, UnixFileMode.GroupWrite,
            UnixFileMode.GroupExecute, UnixFileMode.OtherRead, UnixFileMode.OtherWrite, UnixFileMode.OtherExecute,
        ];
        char[] shown = [.. bits.Select((bit, i) => mode.HasFlag(bit) ? "rwx"[i % 3] : '_')];
        if (mode.HasFlag(UnixFileMode.StickyBit))
            shown[^1] = 't';
        return new string(shown);
    }

    [Theory]
    [InlineData("0444", Mode.r__r__r__), InlineData("0500", Mode.r_x______), InlineData("0600", Mode.rw_______)]
    [InlineData("0644", Mode.rw_r__r__), InlineData("0666", Mode.rw_rw_rw_), InlineData("0700", Mode.rwx______)]
    [InlineData("0755", Mode.rwxr_xr_x), InlineData("0777", Mode.rwxrwxrwx), InlineData("01777", Mode.rwxrwxrwt)]
    [InlineData("07777", Mode.Bits), InlineData("0111", Mode.Execute), InlineData("0077", Mode.GroupAndOthers)]
    [InlineData("0022", Mode.GroupOrOthersWrite), InlineData("06000", Mode.SetId), InlineData("01000", Mode.Sticky)]
    public void TheNumberIsTheOctalOne(string octal, uint mode) => Assert.Equal(Convert.ToUInt32(octal, 8), mode);
}
