# The four steps with the cmdlets.
$ErrorActionPreference = 'Stop'
$root = Split-Path (Split-Path $PSScriptRoot)
Import-Module (Join-Path $root 'out/module/Slipway')
Set-Location $PSScriptRoot

$image = New-ContainerImage ./lammps.yaml | Add-FabricDriver | Publish-ImageCache
$result = $image | Invoke-ContainerMpi -Ranks 2 -- lmp -in in.melt -log none

@"

digest   $($image.Digest)
fabric   $($image.FabricPlan)

What was run, in PowerShell:
  Import-Module ./out/module/Slipway
  New-ContainerImage examples/lammps/lammps.yaml | Add-FabricDriver | Publish-ImageCache |
      Invoke-ContainerMpi -Ranks 2 -- lmp -in examples/lammps/in.melt
"@
exit $result.ExitCode
