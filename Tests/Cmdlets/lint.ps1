#Requires -Modules PSScriptAnalyzer
<#
.SYNOPSIS
    What PSScriptAnalyzer finds in the repository's own scripts: all but what is built.
#>
$ErrorActionPreference = 'Stop'
$root = Split-Path (Split-Path $PSScriptRoot)
Get-ChildItem $root -Recurse -File -Include *.ps1, *.psm1, *.psd1 |
    Where-Object { [System.IO.Path]::GetRelativePath($root, $_.FullName) -notmatch '^out/|(^|/)(bin|obj)/' } |
    ForEach-Object { Invoke-ScriptAnalyzer -Path $_.FullName -Settings (Join-Path $root 'PSScriptAnalyzerSettings.psd1') }
