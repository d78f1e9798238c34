# What the suites share; dot-sourced in BeforeAll.
$script:Repository = Split-Path (Split-Path $PSScriptRoot)
$script:ModulePath = Join-Path $Repository 'out/module/Slipway'
$script:ErrorActionPreference = 'Continue'
Import-Module $ModulePath

function Get-SlipwayError {
    <# .SYNOPSIS The one error record that an action writes. #>
    param([scriptblock] $Action)
    $said = & $Action *>&1
    $failure = @($said | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] })
    $failure.Count | Should -Be 1 -Because "one error is told, not more: $failure"
    $failure[0]
}

function Assert-SlipwayError {
    <# .SYNOPSIS An error has an id, a category, a target and a recommended action. #>
    param($Record, [string] $Id, [string] $Category, [string] $Target)
    $Record.FullyQualifiedErrorId | Should -BeLike "$Id,Slipway.Cmdlets.*"
    $Record.CategoryInfo.Category | Should -Be $Category
    $Record.TargetObject | Should -Be $Target
    $Record.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
}

function Build-TestImage {
    <# .SYNOPSIS A SquashFS image of a tiny tree that knows nothing of Slipway. #>
    param([string] $Path, [string] $Content = 'x', [switch] $WithBusybox)
    $tree = Join-Path ([System.IO.Path]::GetTempPath()) "slipway-tests-$([guid]::NewGuid().ToString('n'))"
    $null = New-Item (Join-Path $tree 'etc') -ItemType Directory
    Set-Content (Join-Path $tree 'etc/motd') $Content
    if ($WithBusybox) {
        Set-Content (Join-Path $tree 'etc/os-release') 'ID=toy', 'PRETTY_NAME="Toy 1"'
        'bin', 'dev', 'proc', 'sys', 'tmp', 'mnt' | ForEach-Object { $null = New-Item (Join-Path $tree $_) -ItemType Directory }
        $busybox = Get-Command busybox -CommandType Application -ErrorAction Ignore
        if ($busybox) {
            Copy-Item $busybox.Source (Join-Path $tree 'bin/busybox')
            foreach ($applet in 'sh', 'cat', 'touch', 'true') { $null = New-Item (Join-Path $tree "bin/$applet") -ItemType SymbolicLink -Target busybox }
        }
    }
    try {
        $said = mksquashfs $tree $Path -noappend -quiet -no-progress -comp zstd 2>&1
        if ($LASTEXITCODE -ne 0) { throw "mksquashfs: $said" }
    }
    finally {
        Remove-Item $tree -Recurse
    }
    Get-Item $Path
}

function New-SoftRoceNode {
    <# .SYNOPSIS A directory that is laid out like the root of a node with soft-RoCE; its path. #>
    param([string] $Directory)
    foreach ($line in Get-Content "$Repository/Tests/Core/Support/Nodes/rxe.tree") {
        $kind, $path, $content = $line -split ' ', 3
        if ($kind -cnotin 'file', 'link') { continue }
        $null = New-Item (Split-Path "$Directory$path") -ItemType Directory -Force
        if ($kind -ceq 'link') { $null = New-Item "$Directory$path" -ItemType SymbolicLink -Target $content -Force } else { Set-Content "$Directory$path" $content }
    }
    $Directory
}

function Install-FakeLauncher {
    <# .SYNOPSIS A mpirun, alone in a directory, that says it is Open MPI and prints its directory and arguments instead of running anything. #>
    param([string] $Directory, [int] $ExitCode = 0)
    $null = New-Item $Directory -ItemType Directory -Force
    Set-Content (Join-Path $Directory 'mpirun') @"
#!/bin/sh
if [ "`$1" = --version ]; then echo 'mpirun (Open MPI) 4.1.4'; exit; fi
pwd
printf '<%s>\n' "`$@"
echo complaint >&2
exit $ExitCode
"@
    chmod +x (Join-Path $Directory 'mpirun')
}

function Publish-TestImage {
    <# .SYNOPSIS An image of its own that is in the node cache. #>
    param([string] $Directory)
    Publish-ImageCache (Build-TestImage (Join-Path $Directory "$(New-Guid).sqfs") -Content (New-Guid))
}

function Clear-Placement {
    <# .SYNOPSIS Takes a test's image out of the node cache again. #>
    param($Image)
    # what root's cache has for everybody is not the user's to take away
    foreach ($placement in $Image.Placements | Where-Object { (Get-Item $_.Path -ErrorAction Ignore).User -eq (id -un) }) {
        Remove-Item $placement.Path, "$($placement.Path).fabric.json" -ErrorAction Ignore
        Get-ChildItem (Join-Path $placement.Path '../../published') -File | Where-Object { (Get-Content $_ -Raw).Contains($Image.Digest) } | Remove-Item
    }
}

function Get-Absent {
    <# .SYNOPSIS What building takes and this machine lacks; nothing where all is there. #>
    foreach ($program in 'mmdebstrap', 'mksquashfs', 'unshare') {
        if (-not (Get-Command $program -CommandType Application -ErrorAction Ignore)) { return "$program is not installed" }
    }
    if ((id -u) -ne '0' -and -not (Select-String -Path /etc/subuid -Pattern "^($(id -un)|$(id -u)):" -Quiet)) { return "$(id -un) has no subordinate ids" }
}

function Get-AbsentForRun {
    <# .SYNOPSIS What running an image takes and this machine lacks; nothing where all is there. #>
    foreach ($program in 'busybox', 'squashfuse_ll') {
        if (-not (Get-Command $program -CommandType Application -ErrorAction Ignore)) { return "$program is not installed" }
    }
    if (-not (Test-Path /dev/fuse)) { return 'there is no /dev/fuse' }
}
