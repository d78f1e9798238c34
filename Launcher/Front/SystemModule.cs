// The system module of the front: what stands for the .NET class library in a program that has none.
//
// The NativeAOT compiler takes any assembly as the system module, the one that defines System.Object. Given this one, what it makes of our
// code is plain machine code over libc: no runtime, no collector, no second thread, no allocation, no exception. Such a program is linked
// statically, starts as a C program does, and, being single-threaded, may join a user namespace itself (setns(2)).
//
// The types below are those that the C# compiler and the code generator look up by name. Most are empty: the C# compiler knows what an int
// can do. Whatever would need a runtime (new, strings, arrays, exceptions, static constructors, virtual calls) is not here, so it does not
// compile or link.

#pragma warning disable CS0169, CS0649, CS8618, IDE0044, IDE0051, IDE0060, CA1823

[module: System.Runtime.CompilerServices.SkipLocalsInit]

namespace System
{
    public class Object { nint methodTable; }
    public abstract class ValueType { }
    public abstract class Enum : ValueType { }
    public class Attribute { }
    public abstract class Array { }
    class Array<T> : Array { }
    public abstract class Delegate { }
    public abstract class MulticastDelegate : Delegate { }
    public class Exception { }
    public sealed class String { public readonly int Length; }
    public struct Void { }
    public struct Boolean { }
    public struct Char { }
    public struct SByte { }
    public struct Byte { }
    public struct Int16 { }
    public struct UInt16 { }
    public struct Int32 { public const int MaxValue = 0x7fffffff; }
    public struct UInt32 { public const uint MaxValue = 0xffffffff; }
    public struct Int64 { }
    public struct UInt64 { }
    public struct IntPtr { }
    public struct UIntPtr { }
    public struct Single { }
    public struct Double { }
    public struct Nullable<T> where T : struct { }
    public struct RuntimeTypeHandle { }
    public struct RuntimeMethodHandle { }
    public struct RuntimeFieldHandle { }
    public enum AttributeTargets { }
    public sealed class ParamArrayAttribute : Attribute { }
    public sealed class AttributeUsageAttribute : Attribute
    {
        public AttributeUsageAttribute(AttributeTargets on) { }
        public bool AllowMultiple { get; set; }
        public bool Inherited { get; set; }
    }
    public class AppContext { public static void SetData(string name, object value) { } }

    /// <summary>Here only ever a "…"u8 text in the program itself, which stays where it is.</summary>
    public readonly unsafe ref struct ReadOnlySpan<T> where T : unmanaged
    {
        readonly T* start;
        readonly int length;

        public ReadOnlySpan(void* start, int length)
        {
            this.start = (T*)start;
            this.length = length;
        }

        /// <summary>The C# compiler wants it to be there, and for a "…"u8 takes the other one.</summary>
        public ReadOnlySpan(T[] array, int start, int length)
        {
        }

        public int Length => length;

        /// <summary>Not checked against the length: there is nothing that could be thrown.</summary>
        public ref readonly T this[int index] => ref start[index];

        /// <summary>What `fixed` asks for.</summary>
        public ref readonly T GetPinnableReference() => ref *start;
    }
}

namespace System.Reflection
{
    public sealed class DefaultMemberAttribute : Attribute { public DefaultMemberAttribute(string name) { } }
}

namespace System.Runtime
{
    sealed class RuntimeExportAttribute : Attribute { public RuntimeExportAttribute(string symbol) { } }
}

namespace System.Runtime.CompilerServices
{
    public class RuntimeHelpers { public static unsafe int OffsetToStringData => sizeof(nint) + sizeof(int); }
    public static class RuntimeFeature { public const string UnmanagedSignatureCallingConvention =
        nameof(UnmanagedSignatureCallingConvention); }
    public sealed class IsReadOnlyAttribute : Attribute { }
    public sealed class IsByRefLikeAttribute : Attribute { }
    public sealed class IsUnmanagedAttribute : Attribute { }
    public sealed class FixedBufferAttribute : Attribute { public FixedBufferAttribute(Type element, int length) { } }
    public sealed class UnsafeValueTypeAttribute : Attribute { }
    public sealed class SkipLocalsInitAttribute : Attribute { }
}

namespace System
{
    public class Type { }
    public sealed class ObsoleteAttribute : Attribute { public ObsoleteAttribute(string message, bool error) { } }
}

namespace System.Runtime.InteropServices
{
    public sealed class DllImportAttribute : Attribute { public DllImportAttribute(string library) { } }
    public sealed class InAttribute : Attribute { }
    public sealed class UnmanagedType { }
    public enum LayoutKind { Sequential = 0, Explicit = 2, Auto = 3 }
    public sealed class StructLayoutAttribute : Attribute
    {
        public StructLayoutAttribute(LayoutKind kind) { }
        public int Pack, Size;
    }
}

namespace System
{
    /// <summary>
    /// Larger structures are emptied, filled and copied by these (JitHelper.GetEntryPoint); none is copied to where it lies in part.
    /// </summary>
    static unsafe class SpanHelpers
    {
        static void ClearWithoutReferences(byte* to, nuint count) => Fill(to, 0, count);

        static void Fill(byte* to, byte value, nuint count)
        {
            for (nuint i = 0; i < count; i++)
                to[i] = value;
        }

        static void Memmove(byte* to, byte* from, nuint count)
        {
            for (nuint i = 0; i < count; i++)
                to[i] = from[i];
        }
    }
}

namespace Internal.Runtime.CompilerHelpers
{
    using System.Runtime;

    // Symbols that generated code refers to around calls out of managed code and back. With no collector there is nothing to do.
    static class StartupCodeHelpers
    {
        [RuntimeExport("RhpPInvoke")] static void Leave(nint frame) { }
        [RuntimeExport("RhpPInvokeReturn")] static void Return(nint frame) { }
        [RuntimeExport("RhpReversePInvoke")] static void Enter(nint frame) { }
        [RuntimeExport("RhpReversePInvokeReturn")] static void EnterReturn(nint frame) { }

        /// <summary>A local buffer was written over its end.</summary>
        [RuntimeExport("RhpFallbackFailFast")] static void FailFast() =>
            Slipway.Front.LibC.Fail("slipway: this is a fault of Slipway: report it\n"u8);
    }

    /// <summary>Generated code may come here where it cannot see that a divisor is not zero, or an index in its bounds.</summary>
    static class ThrowHelpers
    {
        static void ThrowDivideByZeroException() => Slipway.Front.LibC.Fail("slipway: this is a fault of Slipway: report it\n"u8);
        static void ThrowOverflowException() => Slipway.Front.LibC.Fail("slipway: this is a fault of Slipway: report it\n"u8);
        static void ThrowIndexOutOfRangeException() => Slipway.Front.LibC.Fail("slipway: this is a fault of Slipway: report it\n"u8);
        static void ThrowNullReferenceException() => Slipway.Front.LibC.Fail("slipway: this is a fault of Slipway: report it\n"u8);
    }
}
