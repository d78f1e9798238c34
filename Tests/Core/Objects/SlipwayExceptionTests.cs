using System.ComponentModel;
using System.Text.Json;

namespace Slipway.Tests.Objects;

public sealed class SlipwayExceptionTests
{
    public static TheoryData<Exception, string, ErrorKind> Thrown => new()
    {
        { new OperationCanceledException(), "Cancelled", ErrorKind.OperationStopped },
        { new TaskCanceledException(), "Cancelled", ErrorKind.OperationStopped },
        { new OutOfMemoryException(), "OutOfMemory", ErrorKind.ResourceUnavailable },
        { new InsufficientExecutionStackException(), "OutOfMemory", ErrorKind.ResourceUnavailable },
        { new System.Net.Sockets.SocketException(111), "InputOutputFailed", ErrorKind.ReadError },
        { new Win32Exception(11), "ProgramNotStarted", ErrorKind.ResourceUnavailable },
        { new JsonException("x"), "NotJson", ErrorKind.InvalidData },
        { new UnauthorizedAccessException("x"), "AccessDenied", ErrorKind.PermissionDenied },
        { new FileNotFoundException("x"), "InputOutputFailed", ErrorKind.ReadError },
        { new ArgumentOutOfRangeException("value"), "Unexpected", ErrorKind.NotSpecified },
        { new InvalidOperationException("x"), "Unexpected", ErrorKind.NotSpecified },
    };

    [Theory, MemberData(nameof(Thrown))]
    public void WhateverIsThrownHasANameAndAKind(Exception thrown, string id, ErrorKind kind)
    {
        SlipwayException error = SlipwayException.From(thrown);
        Assert.Equal((id, kind), (error.Id, error.Kind));
        Assert.Same(thrown, error.InnerException);
    }

    [Fact]
    public void AnErrorOfOursStaysAsItIs()
    {
        SlipwayException own = new("X", ErrorKind.InvalidData, "m", "r", "t");
        Assert.Same(own, SlipwayException.From(own));
        Assert.Equal(("X", ErrorKind.InvalidData, "m", "r", "t", 1),
            (own.Id, own.Kind, own.Message, own.Recommendation, own.Target, own.ExitCode));
    }

    [Fact]
    public void OfSeveralErrorsTheFirstIsTold()
    {
        SlipwayException first = new("First", ErrorKind.ReadError, "m"), second = new("Second", ErrorKind.ReadError, "m");
        Assert.Same(first, SlipwayException.From(new AggregateException(first, second)));
        Assert.Same(second, SlipwayException.From(new AggregateException(new AggregateException(second), first)));
        Assert.Same(first, SlipwayException.From(new TypeInitializationException("T", first)));
    }

    /// <summary>128 and SIGINT's number, as a shell has it.</summary>
    [Fact]
    public void OneThatWasCancelledExitsAsAShellWould()
    {
        Assert.Equal(130, SlipwayException.From(new OperationCanceledException()).ExitCode);
        Assert.Equal(1, SlipwayException.From(new IOException("x")).ExitCode);
    }

    [Fact]
    public void TheMessageIsOneLine()
    {
        Assert.Equal("no space", SlipwayException.From(new IOException("no space\r\nmore")).Message);
        Assert.Equal("text that should be JSON is not: bad", SlipwayException.From(new JsonException("bad\nmore")).Message);
    }

    [Fact]
    public void AFaultOfOursNamesTheMethodThatThrew()
    {
        SlipwayException error = SlipwayException.From(Assert.Throws<FormatException>(() => Fail()));
        Assert.Contains("this is a fault of Slipway: FormatException at ", error.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(Fail), error.Message, StringComparison.Ordinal);
        Assert.EndsWith(": oops", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Recommendation);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    static void Fail() => throw new FormatException("oops");
}
