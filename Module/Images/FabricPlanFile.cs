using System.Globalization;
using System.Text.Json;
using Slipway.Linux;
using Slipway.Readers;
using Slipway.Shared;

namespace Slipway.Images;

/// <summary>A plan beside its image: <c>IMAGE.fabric.json</c>.</summary>
/// <remarks>
/// In a directory where others may write, anybody can put a file of that name beside an image that is not theirs. So a plan is looked for
/// as what others may have written (<see cref="OpenedFile"/>):
/// it is taken where root, we or the image's owner wrote it, nobody else could have, and it is of this very image. What it says is data,
/// within what planning gives (<see cref="FabricPlanRules"/>).
/// </remarks>
public static class FabricPlanFile
{
    /// <summary>Bytes. A plan of a node with eight devices has some tens of thousands.</summary>
    internal const int Largest = 4 << 20;

    internal const string MakeAgain = "Make the plan again: slipway fabric IMAGE (Add-FabricDriver).";

    /// <summary>A plan beside an image, as it was looked at.</summary>
    /// <param name="Identity">Of its inode (<see cref="OpenedFile.IdentityOf"/>).</param>
    /// <param name="Refusal">Why it is not believed, to follow "it"; null where it is.</param>
    internal sealed record Beside(string Identity, string? Refusal);

    public static string PathFor(string imagePath) => imagePath + ".fabric.json";

    /// <summary>
    /// Writes the plan of the image that lies at a path, replacing an earlier one at once and whole. Nobody else may write to it, whatever
    /// the umask is.
    /// </summary>
    /// <returns>The path that was written.</returns>
    /// <exception cref="SlipwayException">The image cannot be read, or the directory cannot be written.</exception>
    public static string Write(FabricPlan plan, string imagePath) => Write(plan, imagePath, forAll: false);

    /// <param name="forAll">Every user may read it, whatever the umask is.</param>
    internal static string Write(FabricPlan plan, string imagePath, bool forAll)
    {
        string path = PathFor(imagePath);
        try
        {
            plan.ImageMark = ImageMark.Of(imagePath);
            AtomicFile.Write(path, Mode.rw_r__r__, to =>
            {
                if (forAll)
                    File.SetUnixFileMode(to.SafeFileHandle, (UnixFileMode)Mode.rw_r__r__);
                JsonSerializer.Serialize(to, plan, ObjectsJson.Default.FabricPlan);
                to.Flush(flushToDisk: true);
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ImageErrors.PlanNotWritten(path, e);
        }
        return path;
    }

    /// <summary>Looks whether there is a plan beside an image, and whether it is to be believed, by stat(2) alone. For a process in the
    /// node's own user namespace: in a container's,
    /// all users but one are nobody (user_namespaces(7)).</summary>
    /// <returns>Null where there is none.</returns>
    internal static Beside? Look(string imagePath)
    {
        if (stat(PathFor(imagePath), out statx found, follow: false) != 0 || stat(imagePath, out statx image) != 0)
            return null;
        return new Beside(OpenedFile.IdentityOf(found),
            image.IsDirectory ? "is beside a directory, which has no digest (name the plan: --fabric FILE)"
            : OpenedFile.Refusal(found, Largest, (image.stx_uid, "the image's owner")));
    }

    /// <summary>The plan beside an image. What keeps one from being taken is told; then there is none.</summary>
    /// <param name="digest">The image's; null where it is not known, and its mark has to do.</param>
    /// <param name="libraries">Where files of the node may come from, beside its own library directories.</param>
    /// <param name="warn">Gets a sentence.</param>
    /// <exception cref="SlipwayException">It is damaged, or says what no plan may say.</exception>
    internal static FabricPlan? Find(string imagePath, string? digest, IReadOnlyList<string> libraries, Action<string> warn) =>
        Find(imagePath, Look(imagePath), digest, libraries, warn);

    /// <param name="beside">As it was looked at.</param>
    internal static FabricPlan? Find(string imagePath, Beside? beside, string? digest, IReadOnlyList<string> libraries, Action<string> warn)
    {
        if (beside is null)
            return null;
        string path = PathFor(imagePath);
        string? why = beside.Refusal;
        try
        {
            FabricPlan? plan = why is null
                ? Read(path, () => (OpenedFile.BytesKnown(path, Largest, beside.Identity, out statx found), found), libraries, out why)
                : null;
            if (plan is not null && (why = Misfit(plan, digest, imagePath)) is null)
                return plan;
        }
        catch (UnauthorizedAccessException)
        {
            why = "may not be read";
        }
        warn($"the fabric plan '{path}' is left out: it {why} (slipway fabric makes a new one)");
        return null;
    }

    /// <summary>Reads a plan that the caller names.</summary>
    /// <exception cref="SlipwayException">It is missing, damaged, of another format, or says what no plan may say.</exception>
    public static FabricPlan ReadFile(string path) => ReadFile(path, []);

    internal static FabricPlan ReadFile(string path, IReadOnlyList<string> libraries)
    {
        try
        {
            return Read(path, () => (OpenedFile.BytesNamed(path, out statx found, Largest), found), libraries, out string? outdated)
                ?? throw ImageErrors.PlanOutdated(path, outdated!);
        }
        catch (UnauthorizedAccessException e)
        {
            throw ImageErrors.PlanUnreadable(path, e);
        }
    }

    /// <summary>The same for an image.</summary>
    /// <exception cref="SlipwayException">And it is of another image.</exception>
    internal static FabricPlan ReadFile(string path, string imagePath, IReadOnlyList<string> libraries)
    {
        FabricPlan plan = ReadFile(path, libraries);
        // a directory has no digest
        return Directory.Exists(imagePath) || Misfit(plan, null, imagePath) is not { } why ? plan
            : throw ImageErrors.PlanOfAnother(path, why);
    }

    /// <param name="outdated">Why it is none that this version takes, to follow "it"; null where it is one.</param>
    static FabricPlan? Read(string path, Func<(byte[] Bytes, statx Found)> bytesOf, IReadOnlyList<string> libraries, out string? outdated)
    {
        try
        {
            (byte[] bytes, statx found) = bytesOf();
            if (FabricPlanText.Parse(bytes, path, out outdated) is not { } plan)
                return null;
            plan.WrittenBy = found.stx_uid;
            new FabricPlanRules(path, found.stx_uid == geteuid(), libraries).Check(plan);
            return plan;
        }
        catch (IOException e)
        {
            throw ImageErrors.PlanUnreadable(path, e);
        }
    }

    /// <summary>Why a plan is not one for this image, to follow "it"; null where it is.</summary>
    static string? Misfit(FabricPlan plan, string? digest, string imagePath)
    {
        try
        {
            return digest is not null ? digest == plan.ImageDigest ? null : OfAnother()
                : plan.ImageMark == ImageMark.Of(imagePath) ? null : OfAnother();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ReaderErrors.ImageUnreadable(imagePath, e.Message, e);
        }
        string OfAnother() => string.Create(CultureInfo.InvariantCulture, $"is of another image ({plan.ImageDigest})");
    }
}
