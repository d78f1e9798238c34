using System;

namespace Slipway.Shared;

/// <summary>
/// The options of <c>slipway run</c>: what they are is told here alone. The full program's reader, its composer and its help, and the
/// front's reader go by it. Compiled into both; the front has no strings, so the table is UTF-8 text.
/// </summary>
static class RunOptions
{
    /// <summary>
    /// A row a line, of words with a space between: the name; what stands for the value in the usage, or <c>-</c> where there is none;
    /// <c>once</c> (the last one counts) or <c>many</c>; <c>container</c> where it is the container's, so that a holder gets it too, or
    /// <c>rank</c>; <c>front</c> where the front serves it, <c>full</c> where it hands the rank over for it, or <c>hidden</c>, which is
    /// that too, and not in the help; and then what it is for.
    /// </summary>
    public static ReadOnlySpan<byte> Rows =>
        "--job KEY once rank front A key for the job step, instead of the launcher's\n"u8 +
        "--bind SRC[:DST[:ro]] many container front SRC[:DST[:ro]]: a file or directory of the host, seen inside\n"u8 +
        "--env K[=V] many rank front NAME=VALUE, set inside; NAME alone takes the value that it has here\n"u8 +
        "--fabric auto|none|FILE once container front auto, none, or the path of a fabric plan\n"u8 +
        "--writable-tmpfs - once container front Changes are kept in memory until the container goes\n"u8 +
        "--explain - once rank full Tell what is chosen, and why\n"u8 +
        "--shell - once rank hidden The image's shell instead of a command: slipway shell\n"u8;
}
