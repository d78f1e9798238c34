using System.Runtime;
using System.Runtime.InteropServices;
using Slipway.Shared;
using static Slipway.Front.LibC;

namespace Slipway.Probe;

/// <summary>
/// What a preflight runs inside an image. It says what it finds in lines on standard output, each by one write, so that the lines of many
/// ranks stay whole:
/// <c>facts LIBRARY PATH-OR-LIBRARY…</c>, <c>hold</c>, <c>read PID ADDRESS</c> and <c>init LIBRARY SECONDS NODE</c>
/// (Module/Preflight/PreflightProgram.cs).
/// </summary>
internal static unsafe class Program
{
    const int RTLD_LAZY = 1, RTLD_GLOBAL = 0x100;
    const int PR_SET_PTRACER = 0x59616d61; // prctl(2): "Yama"

    struct iovec { public void* iov_base; public nuint iov_len; }

    [DllImport("libc")] static extern void* dlopen(byte* filename, int flags);
    [DllImport("libc")] static extern void* dlsym(void* handle, byte* symbol);
    [DllImport("libc")] static extern byte* dlerror();
    [DllImport("libc")] static extern void exit(int status);
    [DllImport("libc")] static extern uint alarm(uint seconds);
    [DllImport("libc")] static extern nint process_vm_readv(int pid, iovec* local, nuint liovcnt, iovec* remote, nuint riovcnt,
        nuint flags);

    static void Main() { } // the C# compiler wants one; start.s calls the exported function below

    /// <param name="stack">The number of arguments, the arguments, a null.</param>
    [RuntimeExport("probe")]
    static void Start(nint* stack)
    {
        nint count = stack[0];
        byte** arguments = (byte**)(stack + 1);
        int status = 2;
        if (count >= 3 && CString.IsSame(arguments[1], "facts"u8))
            status = Facts(arguments[2], arguments + 3);
        else if (count == 2 && CString.IsSame(arguments[1], "hold"u8))
            status = Hold();
        else if (count == 4 && CString.IsSame(arguments[1], "read"u8))
            status = Read((int)Number(arguments[2]), (nuint)Number(arguments[3]));
        else if (count == 5 && CString.IsSame(arguments[1], "init"u8))
            status = Init(arguments[2], (uint)Number(arguments[3]), arguments[4]);
        exit(status);
    }

    static ulong Number(byte* text)
    {
        ulong number = 0;
        for (; *text >= '0' && *text <= '9'; text++)
            number = number * 10 + (ulong)(*text - '0');
        return number;
    }

    static void Say(ref Text line)
    {
        line.Add((byte)'\n');
        write(1, line.Bytes, line.Length);
        line.Cut(0);
    }

    /// <summary>The first line of a text, without what a terminal would take for more.</summary>
    static void AddLine(ref Text line, byte* text)
    {
        for (; *text != 0 && *text != '\n'; text++)
            line.Add(*text < ' ' ? (byte)' ' : *text);
    }

    /// <summary>The image's MPI library, and which of some paths, and of some other libraries, are to be seen inside.</summary>
    static int Facts(byte* library, byte** paths)
    {
        Text line = default;
        void* mpi = Open(library);
        line.Add(mpi == null ? "no-library "u8 : "library "u8);
        if (mpi == null)
            AddLine(ref line, dlerror());
        else
            AddVersion(ref line, mpi);
        Say(ref line);
        for (; *paths != null; paths++)
        {
            line.Add((**paths == '/' ? access(*paths, F_OK) == 0 : Open(*paths) != null) ? "seen "u8 : "hidden "u8);
            line.Add(*paths);
            Say(ref line);
        }
        return 0;
    }

    /// <summary>Lazily, and with its names for all, as its plug-ins want it.</summary>
    static void* Open(byte* library) => dlopen(library, RTLD_LAZY | RTLD_GLOBAL);

    static void* Find(void* library, ReadOnlySpan<byte> name)
    {
        fixed (byte* text = name)
            return dlsym(library, text);
    }

    /// <summary>MPI_Get_library_version may be called before MPI_Init (MPI 3.1, 8.1.1).</summary>
    static void AddVersion(ref Text line, void* mpi)
    {
        const int longest = 8192; // MPI_MAX_LIBRARY_VERSION_STRING of MPICH; Open MPI's is 256
        void* function = Find(mpi, "MPI_Get_library_version"u8);
        byte* version = (byte*)Room(null, longest + 1);
        int length = 0;
        *version = 0;
        if (function != null)
            ((delegate* unmanaged<byte*, int*, int>)function)(version, &length);
        AddLine(ref line, version);
    }

    /// <summary>Lets its memory be read until its standard input ends.</summary>
    static int Hold()
    {
        long* word = (long*)Room(null, sizeof(long));
        *word = 0x736c6970776179;
        // as MPI libraries and UCX do it; where Yama is not, this is an error that does not matter
        prctl(PR_SET_PTRACER, -1, 0, 0, 0);
        Text line = default;
        line.Add("hold "u8);
        line.AddNumber((ulong)getpid());
        line.Add((byte)' ');
        line.AddNumber((ulong)word);
        Say(ref line);
        byte rest;
        while (read(0, &rest, 1) > 0)
            continue;
        return 0;
    }

    /// <summary>Reads the memory of a process that came into the container by itself, as ranks do for large messages.</summary>
    static int Read(int pid, nuint address)
    {
        long word = 0;
        iovec local, remote;
        local.iov_base = &word;
        remote.iov_base = (void*)address;
        local.iov_len = remote.iov_len = sizeof(long);
        Text line = default;
        if (process_vm_readv(pid, &local, 1, &remote, 1, 0) == sizeof(long) && word == 0x736c6970776179)
            line.Add("read"u8);
        else
        {
            line.Add("not-read "u8);
            line.AddNumber((ulong)errno);
        }
        Say(ref line);
        return 0;
    }

    /// <summary>
    /// A rank: starts MPI, says which of how many it is, waits for all others, and ends MPI. Whatever hangs, it ends by itself.
    /// </summary>
    static int Init(byte* library, uint seconds, byte* node)
    {
        alarm(seconds);
        Text line = default;
        void* mpi = Open(library);
        if (mpi == null)
        {
            Begin(ref line, node, "no-library "u8);
            AddLine(ref line, dlerror());
            Say(ref line);
            return 1;
        }
        void* init = Find(mpi, "MPI_Init"u8), rank = Find(mpi, "MPI_Comm_rank"u8), size = Find(mpi, "MPI_Comm_size"u8),
        barrier = Find(mpi, "MPI_Barrier"u8), finalize = Find(mpi, "MPI_Finalize"u8);
        if (init == null || rank == null || size == null || barrier == null || finalize == null)
        {
            Begin(ref line, node, "no-library it has no MPI_Init"u8);
            Say(ref line);
            return 1;
        }
        // MPI_COMM_WORLD: a variable's address in Open MPI; a number in MPICH, and another in MPI's own ABI (MPI 5.0, 20)
        void* world = Find(mpi, "ompi_mpi_comm_world"u8);
        if (world == null)
            world = (void*)(Find(mpi, "MPI_Abi_get_version"u8) != null && Find(mpi, "MPIR_Err_return_comm"u8) == null ? 0x101 : 0x44000000);
        Begin(ref line, node, "begin"u8);
        Say(ref line);
        if (((delegate* unmanaged<void*, void*, int>)init)(null, null) != 0)
            return 1;
        int me = -1, all = -1;
        ((delegate* unmanaged<void*, int*, int>)rank)(world, &me);
        ((delegate* unmanaged<void*, int*, int>)size)(world, &all);
        Begin(ref line, node, "rank "u8);
        line.AddNumber((ulong)me);
        line.Add((byte)' ');
        line.AddNumber((ulong)all);
        line.Add((byte)' ');
        AddVersion(ref line, mpi);
        Say(ref line);
        ((delegate* unmanaged<void*, int>)barrier)(world);
        Begin(ref line, node, "met "u8);
        line.AddNumber((ulong)me);
        Say(ref line);
        ((delegate* unmanaged<int>)finalize)();
        Begin(ref line, node, "end "u8);
        line.AddNumber((ulong)me);
        Say(ref line);
        return 0;
    }

    static void Begin(ref Text line, byte* node, ReadOnlySpan<byte> what)
    {
        line.Add("slipway-preflight-rank "u8);
        line.Add(node);
        line.Add((byte)' ');
        line.Add(what);
    }
}
