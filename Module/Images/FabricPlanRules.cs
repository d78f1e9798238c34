using System.Globalization;
using Slipway.Inventory;
using Slipway.Linux;
using Slipway.Readers;

namespace Slipway.Images;

/// <summary>What a plan may say: what planning gives, and nothing else. So whoever could write one gains nothing by it.</summary>
/// <param name="path">The plan's, for errors.</param>
/// <param name="own">It is the caller's own: then files of the node may also be the caller's own.</param>
/// <param name="libraries">Directories that an administrator has allowed beside the node's own library directories.</param>
sealed class FabricPlanRules(string path, bool own, IReadOnlyList<string> libraries)
{
    const int MostItems = 4096, LongestText = 4096;

    readonly RootTree node = new("/");
    readonly ProviderTable table = ProviderTable.Default;
    IReadOnlyList<string>? directories;

    /// <summary>Directories of the image itself that a plan's variables name.</summary>
    public static IEnumerable<string> ImageDirectories(FabricPlan plan) =>
        plan.Environment.TryGetValue(ProviderTable.Default.Variables.LibfabricProviders, out string? value)
            ? value.Split(':').Where(d => d != FabricPaths.LibfabricProviders) : [];

    /// <exception cref="SlipwayException">It says something else; the error names the field.</exception>
    public void Check(FabricPlan plan)
    {
        if (plan.ImageDigest is null || !Digest.IsValid(plan.ImageDigest))
            throw Bad("imageDigest", $"'{plan.ImageDigest}' is not a digest");
        Rung("verdict", plan.Verdict);
        Text("node", plan.Node);
        Text("reason", plan.Reason);
        foreach ((string? at, FabricDevicePlan? device) in All("devices", plan.Devices))
            Device(at, device);
        foreach ((string? at, string? name) in All("deviceNodes", plan.DeviceNodes)
            .Concat(All("hiddenDeviceNodes", plan.HiddenDeviceNodes)))
            Node(at, name);
        HashSet<string> destinations = new(StringComparer.Ordinal);
        foreach ((string? at, FabricBind? bind) in All("binds", plan.Binds))
            if (!destinations.Add(Bind(at, bind)))
                throw Bad($"{at}.destination", $"'{bind.Destination}' is there twice");
        foreach ((string? name, string? value) in Pairs("environment", plan.Environment))
            Variable(name, value);
        foreach ((string? name, string? value) in Pairs("excluded", plan.Excluded))
            Text($"excluded.{name}", value);
        foreach ((string? at, string? warning) in All("warnings", plan.Warnings))
            Text(at, warning);
    }

    SlipwayException Bad(string field, string what) => ImageErrors.PlanInvalid(path, field, what);

    IEnumerable<(string At, T Item)> All<T>(string field, IReadOnlyList<T>? list) where T : class
    {
        if (list is null)
            throw Bad(field, "is null, and a list is needed");
        if (list.Count > MostItems)
            throw Bad(field, $"has more than {MostItems} items");
        for (int i = 0; i < list.Count; i++)
            yield return (Item(field, i), list[i] ?? throw Bad(Item(field, i), "is null"));
    }

    static string Item(string field, int i) => string.Create(CultureInfo.InvariantCulture, $"{field}[{i}]");

    IReadOnlyDictionary<string, string> Pairs(string field, IReadOnlyDictionary<string, string>? pairs) =>
        pairs is null ? throw Bad(field, "is null, and an object is needed")
            : pairs.Count > MostItems ? throw Bad(field, $"has more than {MostItems} items") : pairs;

    void Text(string field, string? text)
    {
        if (text is null)
            throw Bad(field, "is null, and a text is needed");
    }

    void Rung(string field, FabricRung rung)
    {
        if (!Enum.IsDefined(rung))
            throw Bad(field, $"{rung:d} is no rung of the ladder");
    }

    void Device(string at, FabricDevicePlan plan)
    {
        Rung($"{at}.rung", plan.Rung);
        Text($"{at}.reason", plan.Reason);
        foreach ((string? tried, FabricRungResult? result) in All($"{at}.tried", plan.Tried))
        {
            Rung($"{tried}.rung", result.Rung);
            Text($"{tried}.reason", result.Reason);
        }
        FabricDevice device = plan.Device ?? throw Bad($"{at}.device", "is null");
        Text($"{at}.device.name", device.Name);
        Text($"{at}.device.fabric", device.Fabric);
        foreach ((string? field, string? name) in All($"{at}.device.deviceNodes", device.DeviceNodes))
            Node(field, name);
        foreach ((string At, string Item) _ in All($"{at}.device.missingDeviceNodes", device.MissingDeviceNodes)
            .Concat(All($"{at}.device.netDevices", device.NetDevices)))
            continue;
        foreach ((string At, FabricPort Item) _ in All($"{at}.device.ports", device.Ports))
            continue;
    }

    /// <summary>A node below /dev that one of the known kernel drivers makes.</summary>
    void Node(string at, string name)
    {
        IEnumerable<string> known = table.Providers.SelectMany(
            p => p.DeviceNodes.SelectMany(n => n.Contains("{name}", StringComparison.Ordinal)
            ? p.Names.Select(own => n.Replace("{name}", own, StringComparison.Ordinal)) : [n]))
            .Concat(table.IntraNode.Select(i => i.DeviceNode)).Concat(SysfsFabric.SharedNodes);
        if (!known.Any(pattern => PathPattern.MatchesName(pattern, name) && name.Count('/') == pattern.Count('/'))
            || name.Any(char.IsControl))
            throw Bad(at, $"'{Shown(name)}' is no device node that planning gives");
    }

    /// <returns>The destination.</returns>
    string Bind(string at, FabricBind bind)
    {
        (string? source, string? destination) = (Absolute($"{at}.source", bind.Source), Absolute($"{at}.destination", bind.Destination));
        if (FabricPaths.All.FirstOrDefault(d => destination.StartsWith(d + "/", StringComparison.Ordinal)) is not { } directory)
            throw Bad($"{at}.destination",
                $"'{destination}' is not below {string.Join(", ", FabricPaths.All)}, where alone a container sees files by a plan");
        bool there = stat(source, out statx found) == 0;
        if (there && !found.IsRegular)
            throw Bad($"{at}.source", $"'{source}' is a {OpenedFile.Kind(found)}, not a file");
        if (!IsLibrary(source, destination[(directory.Length + 1)..]) && !(own && there && found.stx_uid == geteuid()))
            throw Bad($"{at}.source",
                $"'{source}' is in none of the node's library directories{(own ? ", and not yours" : "")}"
                + " ('libraries:' of the site's configuration allows more)");
        return destination;
    }

    /// <summary>True for a file of a library directory, and for what a link there leads to.</summary>
    /// <param name="name">What the container sees it as.</param>
    bool IsLibrary(string source, string name)
    {
        directories ??= [.. new RootLibraries(node, table, null)
            .Directories.Concat(libraries.Select(node.Resolve).Where(l => !l.Loop).Select(l => l.Path))];
        if (node.Resolve(source) is not { Loop: false, Path: string real })
            return false;
        return directories.Any(d => real.StartsWith(d + "/", StringComparison.Ordinal))
            || directories.SelectMany(d => table.VerbsProviderDirectories.Concat(table.LibfabricProviderDirectories)
                .Select(below => $"{d}/{below}/{name}").Append($"{d}/{name}"))
                .Any(p => node.Resolve(p) is { Loop: false } at && at.Path == real);
    }

    string Absolute(string field, string? text)
    {
        Text(field, text);
        if (text!.Length is 0 or > LongestText || text[0] != '/' || text.Any(char.IsControl)
            || Path.GetFullPath(text) != text || text.EndsWith('/'))
            throw Bad(field, $"'{Shown(text)}' is not the absolute path of a file, in its shortest form");
        return text;
    }

    void Variable(string name, string? value)
    {
        Text($"environment.{Shown(name)}", value);
        VariableNames names = table.Variables;
        if (!(name == names.Libraries ? value == FabricPaths.Libraries
            : name == names.VerbsDrivers ? value!.Split(':').All(IsDriver)
            : name == names.LibfabricProviders ? value!.Split(':').All(v => v == FabricPaths.LibfabricProviders || IsProviderDirectory(v))
            : throw Bad($"environment.{Shown(name)}",
                $"no plan sets this variable: planning gives {names.Libraries}, {names.VerbsDrivers} and {names.LibfabricProviders}")))
            throw Bad($"environment.{name}", $"'{Shown(value!)}' is no value that planning gives");
    }

    static bool IsDriver(string value) => value.StartsWith(FabricPaths.VerbsProviders + "/lib", StringComparison.Ordinal)
        && value[(FabricPaths.VerbsProviders.Length + 1)..].All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');

    /// <summary>
    /// Where a libfabric of the image looks. That it is the image's own, and not a directory of the host, is seen where a container is put
    /// together.
    /// </summary>
    bool IsProviderDirectory(string value) => value.StartsWith('/') && value.Length <= LongestText
        && !value.Any(char.IsControl) && Path.GetFullPath(value) == value
        && table.LibfabricProviderDirectories.Any(d => value.EndsWith("/" + d, StringComparison.Ordinal));

    /// <summary>For an error, on one line, and not all of it.</summary>
    static string Shown(string text) => string.Concat(text.Take(200).Select(c => char.IsControl(c) ? '?' : c));
}
