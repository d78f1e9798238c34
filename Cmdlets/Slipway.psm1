# Our assemblies live in a load context of their own: another module's YamlDotNet, of any version, never meets ours.
# All of them are loaded into it here, so that each finds the others there and needs no resolver. A second import, in this
# runspace or another of the process, takes the context that is there: its objects are then of the same types.
$context = [System.Runtime.Loader.AssemblyLoadContext]::All.Where({ $_.Name -eq "Slipway $PSScriptRoot" }, 'First')[0]
$context ??= [System.Runtime.Loader.AssemblyLoadContext]::new("Slipway $PSScriptRoot")
# Constants of libc differ between processors: Tmds.LibC has an assembly for each.
$processor = [System.Runtime.InteropServices.RuntimeInformation]::ProcessArchitecture.ToString().ToLowerInvariant()
$libc = "runtimes/linux-$processor/lib/netstandard2.0/Tmds.LibC"
if (-not [System.IO.File]::Exists("$PSScriptRoot/$libc.dll")) {
    throw "Slipway is for Linux on x86-64 (x64) and 64-bit ARM (arm64); this PowerShell is for $processor."
}
$public = foreach ($name in $libc, 'YamlDotNet', 'Slipway.Core', 'Slipway.Cmdlets') {
    $assembly = $context.LoadFromAssemblyPath((Join-Path $PSScriptRoot "$name.dll"))
    # objects of the pipeline and types of parameters, and what the views write with; all else has namespaces of its own, and stays there
    if ($name.StartsWith('Slipway.')) {
        foreach ($type in $assembly.GetExportedTypes()) {
            if ($type.Namespace -eq 'Slipway' -and -not $type.IsNested) { $type }
        }
    }
    if ($name -eq 'Slipway.Core') { $assembly.GetType('Slipway.Linux.Visible') }
}
Import-Module -Assembly $assembly

# PowerShell looks for the types of a context of one's own under their accelerators: so [Slipway.ContainerImage] resolves at the prompt.
$accelerators = [psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')
foreach ($type in $public) {
    $null = $accelerators::Remove($type.FullName)
    $null = $accelerators::Add($type.FullName, $type)
}

$ExecutionContext.SessionState.Module.OnRemove = {
    foreach ($type in $public) { $null = $accelerators::Remove($type.FullName) }
}.GetNewClosure()
