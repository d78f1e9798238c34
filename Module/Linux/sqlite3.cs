using System.Runtime.InteropServices;

namespace Slipway.Linux;

/// <summary>Calls of libsqlite3 (sqlite.org/c3ref), which is there wherever rpm is; they return the error themselves.</summary>
static unsafe partial class Sqlite
{
    const string Library = "libsqlite3.so.0";
    const int SQLITE_OK = 0, SQLITE_OPEN_READWRITE = 2;

    /// <summary>Runs statements on a database that is there.</summary>
    /// <exception cref="SlipwayException">The library is not there, or the file is no database.</exception>
    public static void Execute(string path, string statements)
    {
        try
        {
            nint database = 0;
            int failed = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, 0);
            try
            {
                if (failed == SQLITE_OK)
                    failed = sqlite3_exec(database, statements, 0, 0, 0);
                if (failed != SQLITE_OK)
                    throw LinuxErrors.DatabaseInvalid(path, failed, Marshal.PtrToStringUTF8(sqlite3_errmsg(database)));
            }
            finally
            {
                sqlite3_close(database);
            }
        }
        catch (DllNotFoundException e)
        {
            throw LinuxErrors.LibraryNotFound(Library, deb: "libsqlite3-0", rpm: "sqlite-libs", e);
        }
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sqlite3_open_v2(string filename, nint* database, int flags, nint vfs);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sqlite3_exec(nint database, string sql, nint callback, nint argument, nint message);
    [LibraryImport(Library)] private static partial nint sqlite3_errmsg(nint database);
    [LibraryImport(Library)] private static partial int sqlite3_close(nint database);
}
