using Slipway.Cache;
using Slipway.Images;
using Slipway.Linux;

namespace Slipway.Running;

/// <summary>Something of the host that is seen in a container.</summary>
/// <param name="Literal">The mount point is made at exactly this path, whatever the image has there.</param>
/// <param name="Why">For <c>--explain</c>.</param>
sealed record HostBind(string Source, string Destination, bool ReadOnly, bool Literal, string Why);

/// <summary>Which parts of the host a container shows, and why each.</summary>
static class HostBinds
{
    /// <summary>Of the host, whole: devices with their own mounts (pts, shm, mqueue), processes, system, temporary files.</summary>
    static readonly string[] Standard = ["/dev", "/proc", "/sys", "/tmp"];

    /// <summary>In the order in which they are mounted: a later one may lie in an earlier one.</summary>
    /// <exception cref="SlipwayException">A source that was asked for is not there.</exception>
    public static List<HostBind> Make(RunRequest request, FabricPlan? plan, SiteConfiguration site)
    {
        List<HostBind> binds = [.. Standard.Select(d => new HostBind(d, d, false, true, "always"))];
        void Own(string path, string why)
        {
            if (path.StartsWith('/') && LauncherPaths.MayBeBound(path)
                && !binds.Exists(b => b.Source == b.Destination && LauncherPaths.IsBelow(path, b.Destination)) && Path.Exists(path))
                binds.Add(new HostBind(path, path, false, false, why));
        }
        Own(Places.Home, "your home directory");
        Own(Environment.CurrentDirectory, "the working directory");
        foreach ((string variable, string path) in LauncherPaths.Find().OrderBy(p => p.Path, StringComparer.Ordinal))
            Own(path, $"{variable} names it");
        foreach (string directory in plan is null ? [] : FabricPlanRules.ImageDirectories(plan))
            if (binds.Find(b => LauncherPaths.IsBelow(directory, b.Destination)) is { } shown)
                throw RunningErrors.PlanOfHostDirectory(directory, shown.Source, shown.Why);
        foreach (FabricBind bind in plan?.Binds ?? [])
            binds.Add(new HostBind(bind.Source, bind.Destination, true, false, "the fabric plan"));
        foreach (Located text in site.Binds)
        {
            Bind bind;
            try
            {
                bind = Bind.Parse(text.Value);
            }
            catch (SlipwayException e)
            {
                throw RunningErrors.ConfiguredBindInvalid(text, e);
            }
            // the same configuration serves nodes of several kinds
            if (Path.Exists(bind.Source))
                binds.Add(new HostBind(bind.Source, bind.Destination, bind.ReadOnly, false, $"the site's configuration ({text.Where})"));
        }
        foreach (Bind bind in request.Binds)
        {
            if (!Path.Exists(bind.Source))
                throw RunningErrors.BindSourceNotFound(bind.ToString(), bind.Source);
            binds.Add(new HostBind(bind.Source, bind.Destination, bind.ReadOnly, false, "--bind"));
        }
        return binds;
    }
}
