namespace Slipway.Linux;

// sys/un.h
public static unsafe partial class LibC
{
    /// <summary>The address of a path; false where it is too long for sun_path (unix(7): 108 bytes with the terminating zero).</summary>
    public static bool TryUnixAddress(string path, out sockaddr_un address)
    {
        address = new sockaddr_un { sun_family = AF_UNIX };
        byte[] bytes = CString(path);
        if (bytes.Length > sockaddr_un.sun_path_length)
            return false;
        fixed (byte* to = address.sun_path)
            bytes.CopyTo(new Span<byte>(to, sockaddr_un.sun_path_length));
        return true;
    }
}
