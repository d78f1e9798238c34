using System.Runtime.InteropServices;
using System.Text;
using Slipway.Linux;

namespace Slipway.Tests.Linux;

/// <summary>What others have written is shown, and never obeyed, by the full launcher and by the front.</summary>
public sealed unsafe class VisibleTests
{
    [Theory]
    [InlineData("plain text, ünïcödé, 漢字, 🚀", "plain text, ünïcödé, 漢字, 🚀")]
    [InlineData("a\u001b[31mred\u001b[0m", "a\\x1b[31mred\\x1b[0m")]
    [InlineData("\u001b]0;title\u0007", "\\x1b]0;title\\x07")]
    [InlineData("a\nslipway: all is well", "a\\nslipway: all is well")]
    [InlineData("a\rb\tc\0d\b\u007f", "a\\rb\\tc\\x00d\\x08\\x7f")]
    [InlineData("\u009b31m\u0085\u00ad", "\\x9b31m\\x85\\xad")]
    [InlineData("exe\u202egpj.sh", "exe\\u202egpj.sh")]
    [InlineData("\u2066\u2069\u200f\u061c\u200b\ufeff\u2028\u2029", "\\u2066\\u2069\\u200f\\u061c\\u200b\\ufeff\\u2028\\u2029")]
    [InlineData("\udb40\udc41", "\\udb40\\udc41")]
    [InlineData("a\\x1b", "a\\x1b")]
    [InlineData("", "")]
    public void OnOneLine(string text, string shown) => Assert.Equal(shown, Visible.Line(text));

    [Fact]
    public void HalvesOfACharacterAreWrittenOut()
    {
        Assert.Equal("\\ud83d", Visible.Line("\ud83d"));
        Assert.Equal("\\ude80a", Visible.Line("\ude80a"));
        Assert.Equal("\\ud83d🚀", Visible.Line("\ud83d\ud83d\ude80"));
    }

    [Fact]
    public void WhatIsPutInIsWrittenOutAndWhatIsOursStays()
    {
        string hostile = "a\n\u001b";
        Assert.Equal("x\ta\\n\\x1b\n 1.50 2026-01-02", Visible.Of($"x\t{hostile}\n {1.5:0.00} {new DateTime(2026, 1, 2):yyyy-MM-dd}"));
        Assert.Equal("a\n\\x1b", Visible.Lines(hostile));
        Assert.Equal("", Visible.Line(null));
        Assert.Equal("x", Visible.Of($"x{(string?)null}"));
    }

    /// <summary>No text gives a character that a terminal would obey, and none that it would not is changed.</summary>
    [Fact]
    public void NothingOfAnyTextIsObeyed()
    {
        Mutator mutator = new(7, ["\u001b", "\n", "\u009b", "\u202e", "\ud83d\ude80", "\u200b", "\0"]);
        for (int i = 0; i < 2000; i++)
        {
            string shown = Visible.Line(Encoding.UTF8.GetString(mutator.Change("/images/äpp 1.sqfs"u8.ToArray())));
            Assert.DoesNotContain(shown, c => char.IsControl(c) || c is '\u202e' or '\u200b');
            Assert.Equal(shown, Visible.Line(shown));
        }
    }

    [Theory]
    [InlineData("/bin/a\u001b[31m", "/bin/a\\x1b[31m")]
    [InlineData("a\nb\u007f", "a\\x0ab\\x7f")]
    [InlineData("\u009b31m\u00ad", "\\xc2\\x9b31m\\xc2\\xad")]
    [InlineData("a\u202eb\u2066\ufeff\u061c", "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6\\xef\\xbb\\xbf\\xd8\\x9c")]
    [InlineData("ünïcödé 漢字 🚀", "ünïcödé 漢字 🚀")]
    public void TheFrontDoesTheSame(string text, string shown) => Assert.Equal(shown, Front(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void BytesThatAreNoUtf8AreWrittenOutByTheFront() =>
        Assert.Equal("a\\x9b31m\\xc3", Front([(byte)'a', 0x9b, (byte)'3', (byte)'1', (byte)'m', 0xc3]));

    static string Front(byte[] text)
    {
        Slipway.Shared.Text shown = default;
        fixed (byte* bytes = (byte[])[.. text, 0])
            shown.AddShown(bytes);
        return Marshal.PtrToStringUTF8((nint)shown.Bytes)!;
    }
}
