using System.Globalization;
using Slipway.Cache;

namespace Slipway.Running;

/// <summary><c>slipway run --explain</c>: what was chosen for a container and a rank, and why; one fact a line, on standard error.</summary>
static class RunExplanation
{
    /// <param name="started">True where this rank started the holder.</param>
    public static IEnumerable<string> Lines(RunRequest request, ImageIdentity image, string step, string stepReason, HolderEntry entry, bool started)
    {
        ImageMount mount = ImageMount.Choose(image, request.WritableTmpfs, make: false);
        (_, string? digest, int held) = image.Locate();
        if (held >= 0)
            close(held);
        yield return Line("image", $"{mount.Image} ({digest ?? "not in this node's cache; " + image.Stamp})");
        foreach (string reason in mount.Reasons)
            yield return Line("mount", reason);
        if (entry.Mount != mount.Rung)
            yield return Line("mount", $"in this container: {entry.Mount}");
        yield return Line("root", request.WritableTmpfs ? "changes are kept in memory until the container goes (--writable-tmpfs)" : "read-only");
        yield return Line("step key", $"{step} (from {stepReason})");
        yield return Line("holder", string.Create(CultureInfo.InvariantCulture, $"process {entry.Pid}, {(started ? "started by this rank" : "already running")}"));

        SiteConfiguration site = SiteConfiguration.Read();
        List<string> leftOut = [];
        FabricPlan? plan = ContainerFabric.Read(request, mount.Image, ContainerFabric.Look(request, mount.Image, leftOut.Add), site, leftOut.Add);
        yield return Line("fabric", plan is null ? string.Join("; ", leftOut.Prepend("no plan")) : $"{plan.Verdict}: {plan.Reason}");
        foreach (HostBind bind in HostBinds.Make(request, plan, site))
            yield return Line("bind", $"{bind.Source}{(bind.Source == bind.Destination ? "" : " at " + bind.Destination)}{(bind.ReadOnly ? ", read-only" : "")} ({bind.Why})");
        foreach (string assignment in entry.Environment)
            yield return Line("set", $"{assignment} (the image, or the fabric plan)");
        foreach (RunVariable variable in request.Variables)
            yield return Line("set", $"{variable} ({(variable.Inherited ? "--env, from the environment" : "--env")})");
        foreach (string name in ContainerEnvironment.DroppedHere())
            yield return Line("unset", $"{name} (it speaks of the host's files)");
        yield return Line("directory", ContainerRunner.DirectoryInside(entry));
        yield return Line("command", string.Join(' ', ContainerRunner.CommandOf(entry, request)));
    }

    static string Line(string what, string text) => $"{what,-10} {text}";
}
