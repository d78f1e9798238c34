using System.Globalization;
using System.Text;
using Slipway.Shared;

namespace Slipway.Tests.Shared;

public sealed unsafe class ProcStatTests
{
    static long Read(string text)
    {
        using FrontInput input = new(1);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return ProcStat.StartTime(input.Copy(bytes, room: 1), bytes.Length);
    }

    static string Stat(string name, string started) => $"7 ({name}) S {string.Join(' ', Enumerable.Range(4, 18))} {started} 0 0\n";

    [Theory]
    [InlineData("sh")]
    [InlineData(") S 1 2 3 (")]
    [InlineData("a b")]
    [InlineData("")]
    public void TheNameMayHoldAnything(string name) => Assert.Equal(123456, Read(Stat(name, "123456")));

    [Theory]
    [InlineData("")]
    [InlineData("7 (sh) S 1 2")]
    [InlineData("7 (sh")]
    [InlineData("7 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x")]
    public void WhatIsNoSuchFileHasNone(string text) => Assert.Equal(0, Read(text));

    [Fact]
    public void ItIsTheTwentySecondField()
    {
        string[] fields = File.ReadAllText("/proc/self/stat").Split(") ")[^1].Split(' ');
        Assert.Equal(fields[19], ProcStat.StartTime(Environment.ProcessId).ToString(CultureInfo.InvariantCulture));
        Assert.Equal((ulong)ProcStat.StartTime(Environment.ProcessId), ProcStat.Identity(Environment.ProcessId));
        Assert.Equal(0, ProcStat.StartTime(int.MaxValue));
    }
}
