using System.Reflection;
using System.Text.Json.Serialization;

namespace Slipway.Tests.Staging;

/// <summary>So that a kind of message that is new is tested too.</summary>
static class Messages
{
    /// <summary>The names of all kinds of a message; each has one for the wire.</summary>
    public static SortedSet<string> Arms<T>()
    {
        SortedSet<string> arms =
            [.. typeof(T).Assembly.GetTypes().Where(t => typeof(T).IsAssignableFrom(t) && !t.IsAbstract).Select(t => t.Name)];
        Assert.Equal(arms,
            [.. typeof(T).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(a => a.DerivedType.Name)
            .Order(StringComparer.CurrentCulture)]);
        return arms;
    }

    public static SortedSet<string> Types(IEnumerable<object> messages) => [.. messages.Select(m => m.GetType().Name)];
}
