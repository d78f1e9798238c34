using Slipway.Images;
using Slipway.Inventory;

namespace Slipway.Tests.Images;

/// <summary>One rule after the other; that every plan that planning makes passes is for <see cref="FabricPlanFileTests"/>.</summary>
public sealed class FabricPlanRulesTests : IDisposable
{
    readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    static FabricPlan Plan(Action<FabricPlan>? change = null)
    {
        FabricPlan plan = new() { ImageDigest = "sha256:" + new string('0', 64), Node = "n1", Reason = "ok" };
        change?.Invoke(plan);
        return plan;
    }

    static void AssertTaken(Action<FabricPlan> change, bool own = false, params string[] libraries) =>
        new FabricPlanRules("/x.json", own, libraries).Check(Plan(change));

    static void AssertRefused(string says, Action<FabricPlan> change, bool own = false)
    {
        SlipwayException error = Assert.Throws<SlipwayException>(() => AssertTaken(change, own));
        Assert.Equal("FabricPlanInvalid", error.Id);
        Assert.StartsWith("/x.json: " + says, error.Message, StringComparison.Ordinal);
    }

    static FabricDevicePlan Device(params string[] nodes) =>
        new() { Device = new FabricDevice { Name = "mlx5_0", Fabric = "RoCE", DeviceNodes = nodes }, Rung = FabricRung.Image,
            Reason = "r" };

    static Action<FabricPlan> Bind(string source, string destination) => plan => plan.Binds = [new FabricBind(source, destination)];

    static Action<FabricPlan> Variable(string name, string value) => plan =>
        plan.Environment = new Dictionary<string, string> { [name] = value };

    [Fact]
    public void APlanNamesItsImageAndSaysWhy()
    {
        AssertTaken(_ => { });
        AssertRefused("imageDigest: ", p => p.ImageDigest = null);
        AssertRefused("imageDigest: 'sha256:12' is not a digest", p => p.ImageDigest = "sha256:12");
        AssertRefused("reason: is null", p => p.Reason = null!);
        AssertRefused("verdict: 9 is no rung", p => p.Verdict = (FabricRung)9);
        AssertRefused("warnings[1]: is null", p => p.Warnings = ["a", null!]);
    }

    [Theory]
    [InlineData("/dev/infiniband/uverbs0", true)]
    [InlineData("/dev/infiniband/rdma_cm", true)]
    [InlineData("/dev/sda", false)]
    [InlineData("/dev/infiniband/../sda", false)]
    [InlineData("/dev/infiniband/uverbs0/x", false)]
    [InlineData("/dev/infiniband", false)]
    [InlineData("", false)]
    public void ADeviceNodeIsOfAKnownDriver(string node, bool taken)
    {
        foreach ((string field, Action<FabricPlan> change) in new (string, Action<FabricPlan>)[]
        {
            ("deviceNodes[0]", p => p.DeviceNodes = [node]),
            ("hiddenDeviceNodes[0]", p => p.HiddenDeviceNodes = [node]),
            ("devices[0].device.deviceNodes[0]", p => p.Devices = [Device(node)]),
        })
            if (taken)
                AssertTaken(change);
            else
                AssertRefused($"{field}: '{node}' is no device node that planning gives", change);
    }

    [Fact]
    public void ALibraryOfThisNodeMayBeShownInAPlansOwnDirectories()
    {
        foreach (string place in FabricPaths.All)
            AssertTaken(Bind(PlanSample.Library, place + "/liba.so"));
        AssertRefused("binds[0].destination: '/usr/lib/liba.so' is not below ", Bind(PlanSample.Library, "/usr/lib/liba.so"));
        AssertRefused("binds[0].destination: ", Bind(PlanSample.Library, FabricPaths.Libraries));
        AssertRefused("binds[0].destination: ", Bind(PlanSample.Library, FabricPaths.Libraries + "/../liba.so"));
        AssertRefused("binds[1].destination: ",
            p => p.Binds = [new(PlanSample.Library, FabricPaths.Libraries + "/a"), new(PlanSample.Library, FabricPaths.Libraries + "/a")]);
    }

    [Fact]
    public void AFileOfTheNodeIsALibraryAndNotAnyFile()
    {
        AssertRefused("binds[0].source: '/etc/passwd' is in none of the node's library directories",
            Bind("/etc/passwd", FabricPaths.Libraries + "/a"));
        AssertRefused("binds[0].source: '/etc' is a directory", Bind("/etc", FabricPaths.Libraries + "/a"));
        AssertRefused("binds[0].source: 'a.so' is not the absolute path", Bind("a.so", FabricPaths.Libraries + "/a"));
        AssertRefused("binds[0].source: ", Bind("/usr/lib/../../etc/passwd", FabricPaths.Libraries + "/a"));
    }

    [Fact]
    public void AFileOfTheCallersOwnIsTakenFromTheCallersOwnPlan()
    {
        string mine = directory.Write("liba.so", [1]);
        AssertTaken(Bind(mine, FabricPaths.Libraries + "/liba.so"), own: true);
        AssertRefused("binds[0].source: ", Bind(mine, FabricPaths.Libraries + "/liba.so"));
        AssertTaken(Bind(mine, FabricPaths.Libraries + "/liba.so"), own: false, directory.Path);
    }

    [Theory]
    [InlineData("LD_LIBRARY_PATH", "/.slipway/fabric/lib", true)]
    [InlineData("LD_LIBRARY_PATH", "/.slipway/fabric/lib:/tmp", false)]
    [InlineData("RDMAV_DRIVERS", "/.slipway/fabric/libibverbs/libmlx5:/.slipway/fabric/libibverbs/libefa", true)]
    [InlineData("RDMAV_DRIVERS", "/.slipway/fabric/libibverbs/../x", false)]
    [InlineData("RDMAV_DRIVERS", "/tmp/libmlx5", false)]
    [InlineData("FI_PROVIDER_PATH", "/.slipway/fabric/libfabric:/usr/lib64/libfabric", true)]
    [InlineData("FI_PROVIDER_PATH", "/tmp/x", false)]
    [InlineData("LD_PRELOAD", "/.slipway/fabric/lib/a.so", false)]
    public void AVariableIsOneThatPlanningSets(string name, string value, bool taken)
    {
        if (taken)
            AssertTaken(Variable(name, value));
        else
            AssertRefused($"environment.{name}: ", Variable(name, value));
    }

    [Fact]
    public void DirectoriesOfTheImageAreThoseThatAreNotThePlansOwn()
    {
        Assert.Equal(["/usr/lib64/libfabric"],
            FabricPlanRules.ImageDirectories(Plan(Variable("FI_PROVIDER_PATH", "/.slipway/fabric/libfabric:/usr/lib64/libfabric"))));
        Assert.Empty(FabricPlanRules.ImageDirectories(Plan()));
    }
}
