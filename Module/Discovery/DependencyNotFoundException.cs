namespace Slipway.Discovery;

/// <summary>A name that was asked for stands for nothing that is there.</summary>
sealed class DependencyNotFoundException(string name, string what)
    : SlipwayException("DependencyNotFound", ErrorKind.ObjectNotFound, $"{name}: {what}",
        "Check the name; install what is missing, or give an absolute path.", name)
{
    /// <summary>As it was asked for.</summary>
    public string Name { get; } = name;
}
