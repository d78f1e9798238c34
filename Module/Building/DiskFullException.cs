namespace Slipway.Building;

/// <summary>
/// No space is left where a build writes. An error of this type says so by itself: nobody need look whether the disk is full.
/// </summary>
sealed class DiskFullException(string message, string recommendation, string target, Exception? inner = null)
    : SlipwayException("DiskFull", ErrorKind.WriteError, message, recommendation, target, inner);
