using System.Runtime.InteropServices;
using System.Text;
using Slipway.Shared;

namespace Slipway.Tests.Shared;

public sealed unsafe class HolderFieldsTests
{
    static readonly string Version = Encoding.UTF8.GetString(RankTables.HolderVersion);

    /// <summary>What is understood of a text: key, number, runscript, directories and variables; null where it is refused.</summary>
    static string? Read(string text)
    {
        using FrontInput input = new(1);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (!HolderFields.TryRead(input.Copy(bytes, room: 1), bytes.Length, out HolderFields fields))
            return null;
        List<string> said = [Text(fields.Key), fields.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture),
            fields.Runscript == null ? "-" : Text(fields.Runscript)];
        foreach (byte kind in new[] { HolderFields.VisibleKind, HolderFields.VariableKind })
            for (byte* value = null; (value = fields.Next(kind, value)) != null;)
                said.Add((char)kind + Text(value));
        return string.Join('|', said);
    }

    static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text)!;

    [Fact]
    public void TheFieldsMayComeInAnyOrder() =>
        Assert.Equal("key|7|/run|d/home|d/tmp|eA=1|eB=", Read($"v{Version}\0eA=1\0d/home\0r/run\0p7\0d/tmp\0kkey\0eB=\0xother\0.\0"));

    [Fact]
    public void OfAKeyANumberAndARunscriptTheFirstCounts() => Assert.Equal("a|1|x", Read($"v{Version}\0ka\0kb\0p1\0p2\0rx\0ry\0.\0"));

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("v{0}\0kkey\0p7\0")]
    [InlineData("v{0}\0kkey\0p7\0.")]
    [InlineData("v{0}\0kkey\0p7\0.x\0")]
    [InlineData("v{0}\0kkey\0p7\0.\0x\0")]
    [InlineData("v{0}x\0kkey\0p7\0.\0")]
    [InlineData("kkey\0v{0}\0p7\0.\0")]
    [InlineData("v{0}\0p7\0.\0")]
    [InlineData("v{0}\0kkey\0.\0")]
    [InlineData("v{0}\0kkey\0p0\0.\0")]
    [InlineData("v{0}\0kkey\0p-1\0.\0")]
    [InlineData("v{0}\0kkey\0p7x\0.\0")]
    [InlineData("v{0}\0kkey\0p2147483648\0.\0")]
    [InlineData("v{0}\0kkey\0p99999999999999999999999\0.\0")]
    public void WhatIsCutOrOddIsRefused(string text) => Assert.Null(Read(text.Replace("{0}", Version, StringComparison.Ordinal)));
}
