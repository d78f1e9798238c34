using System.Runtime.InteropServices;

namespace Slipway.Linux;

// linux/loop.h
public static unsafe partial class LibC
{
    public const int LOOP_CONFIGURE = 0x4c0a, LOOP_CTL_GET_FREE = 0x4c82;
    public const uint LO_FLAGS_READ_ONLY = 1, LO_FLAGS_AUTOCLEAR = 4;

    [StructLayout(LayoutKind.Sequential)]
    public struct loop_info64
    {
        public ulong lo_device, lo_inode, lo_rdevice, lo_offset, lo_sizelimit;
        public uint lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
        public fixed byte lo_file_name[64];
        public fixed byte lo_crypt_name[64];
        public fixed byte lo_encrypt_key[32];
        public fixed ulong lo_init[2];
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct loop_config
    {
        public uint fd, block_size;
        public loop_info64 info;
        public fixed ulong __reserved[8];
    }
}
