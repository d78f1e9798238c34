<#
.SYNOPSIS
    Runs the Pester suite; called by Tests/run.sh, after a build.
.PARAMETER ResultFile
    Gets one line: passed failed skipped. A file beside it, with .times to its name, gets a line for each test: seconds name.
#>
param([string] $ResultFile)
$ErrorActionPreference = 'Stop'
Import-Module Pester -MinimumVersion 5.0

$configuration = New-PesterConfiguration
$configuration.Run.Path = $PSScriptRoot
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Normal'
$result = Invoke-Pester -Configuration $configuration

# a test that did not run is told, with its reason, and is never one that passed
foreach ($test in @($result.Skipped) + @($result.NotRun)) {
    'skipped  {0}: {1}' -f $test.ExpandedName, (($test.ErrorRecord.Exception.Message -replace '^is skipped, because ') ?? 'it was not run')
}
$failed = $result.FailedCount + $result.FailedBlocksCount + $result.FailedContainersCount
if ($ResultFile) {
    $result.Tests | ForEach-Object { '{0:f3} {1}' -f $_.Duration.TotalSeconds, $_.ExpandedPath } | Set-Content "$ResultFile.times"
    "$($result.PassedCount) $failed $($result.SkippedCount + $result.NotRunCount)" | Set-Content $ResultFile
}
exit [int]($failed -gt 0)
