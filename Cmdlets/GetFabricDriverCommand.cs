using System.Management.Automation;
using Slipway.Inventory;

namespace Slipway.Cmdlets;

/// <summary>Get-FabricDriver: the fabric hardware of this node, as its kernel shows it.</summary>
[Cmdlet(VerbsCommon.Get, "FabricDriver")]
[OutputType(typeof(FabricInventory))]
public sealed class GetFabricDriverCommand : SlipwayCmdlet
{
    /// <summary>A tree laid out like a node's root, which is read instead of this node's.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName", "PSPath")]
    public string[] Root { get; set; } = ["/"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string root in Root)
            if (Try((_, _) => FabricInventoryReader.Read(FullPath(root)), out FabricInventory? inventory))
                WriteObject(inventory);
    }
}
