namespace Slipway.Building.Sources;

/// <summary>The kinds of sources: a row for each class of <see cref="Source"/>, in each of two tables.</summary>
static class RootSources
{
    /// <summary>The source of a stage: one for each kind.</summary>
    public static RootSource Of(Stage stage, BuildContext context) => stage.Source switch
    {
        DebSource deb => new DebRoot(deb, stage, context),
        RpmSource rpm => new RpmRoot(rpm, stage, context),
        ImageSource image => new ImageRoot(image, stage, context),
        ArchiveSource archive => new ArchiveRoot(archive, stage, context),
        HostSource host => new HostRoot(host, stage, context),
        EmptySource => new EmptyRoot(stage, context),
        { From: var from } => throw SourceErrors.Unknown(from),
    };

    /// <summary>The programs of the host that a source calls, so that a missing one is told of before the long work.</summary>
    public static IReadOnlyList<string> Programs(Source source) => source switch
    {
        DebSource => ["mmdebstrap", "apt-get", "dpkg-deb", "gpg", "curl"],
        RpmSource => ["dnf", "rpm", "rpmkeys", "gpg", "curl"],
        ImageSource => ["unsquashfs"],
        HostSource => ["ldconfig"],
        _ => [],
    };
}
