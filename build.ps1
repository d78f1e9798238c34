<#
.SYNOPSIS
    Builds, tests, lints, packages and installs Slipway, for people who have pwsh.
.DESCRIPTION
    ./bootstrap.sh does the same on a machine without pwsh, and installs what is missing; both drive the targets of build.proj.
.EXAMPLE
    ./build.ps1 Build, Lint, Test
.EXAMPLE
    ./build.ps1 Install -Destination /opt/site/powershell/Modules
#>
[CmdletBinding()]
param(
    # What to do, in this order. Build: out/module and out/bin. Test: all suites. Lint: all analyzers; a finding is an error.
    # Package: out/Slipway-VERSION.zip. Install: a copy in a module path.
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Test', 'Lint', 'Package', 'Install')]
    [string[]] $Task = 'Build',

    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release',

    # Install: the module path to copy to. By default that of all users for root, the user's own for others.
    [string] $Destination,

    # Test: the tests that take long, too.
    [switch] $Long
)
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
if ($Destination) { $Destination = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Destination) }

Push-Location $PSScriptRoot
try {
    $version = (Import-PowerShellDataFile ./Module.psd1).ModuleVersion
    $module = "./out/module/Slipway/$version"
    if ($Task -notcontains 'Build' -and ($Task -contains 'Package' -or $Task -contains 'Install') -and -not (Test-Path $module)) { $Task = @('Build') + $Task }

    switch ($Task) {
        'Build' {
            dotnet msbuild build.proj -nologo -verbosity:minimal -property:Configuration=$Configuration
        }
        'Test' {
            ./bootstrap.sh test @(if ($Long) { '--long' })
        }
        'Lint' {
            $findings = @(./Tests/Cmdlets/lint.ps1)
            $findings | Out-Host
            # the compiler's analyzers are part of the build, where a warning is an error
            dotnet format whitespace . --folder --verify-no-changes --exclude out
            if ($findings) { throw "$($findings.Count) findings of PSScriptAnalyzer" }
        }
        'Package' {
            # a zip, not a nupkg: only a zip keeps the mode of bin/slipway, which must be executable
            $zip = "./out/Slipway-$version.zip"
            Remove-Item $zip -ErrorAction Ignore
            [System.IO.Compression.ZipFile]::CreateFromDirectory((Resolve-Path ./out/module), (Join-Path $PWD $zip))
            Get-Item $zip
        }
        'Install' {
            $parent = Join-Path ($Destination ? $Destination : ((id -u) -eq '0' ? '/usr/local/share/powershell/Modules' : ($env:PSModulePath -split ':')[0])) 'Slipway'
            $null = New-Item $parent -ItemType Directory -Force
            # beside its place first: a session that imports the module meanwhile finds a whole one
            $beside = Join-Path $parent ".$version.$PID"
            Copy-Item $module $beside -Recurse
            Remove-Item (Join-Path $parent $version) -Recurse -ErrorAction Ignore
            Move-Item $beside (Join-Path $parent $version)
            Get-Item (Join-Path $parent $version)
        }
    }
}
finally {
    Pop-Location
}
