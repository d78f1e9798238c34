namespace Slipway.Linux;

// errno.h
public static partial class LibC
{
    public const int EPERM = 1, ENOENT = 2, EINTR = 4, ENXIO = 6, EAGAIN = 11, EACCES = 13, EEXIST = 17, ENOTDIR = 20, EINVAL = 22, ENOSPC = 28, ENOLCK = 37, ELOOP = 40, ESRCH = 3, ENOSYS = 38, EOPNOTSUPP = 95, ETIMEDOUT = 110, ECONNREFUSED = 111;
}
