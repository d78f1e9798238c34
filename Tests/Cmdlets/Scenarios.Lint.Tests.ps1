Describe 'PSScriptAnalyzer' {
    It 'finds nothing in the scripts of the repository' {
        if (-not (Get-Module PSScriptAnalyzer -ListAvailable)) { Set-ItResult -Skipped -Because 'PSScriptAnalyzer is not installed'; return }
        & (Join-Path $PSScriptRoot 'lint.ps1') | ForEach-Object { '{0}:{1} {2}: {3}' -f $_.ScriptPath, $_.Line, $_.RuleName, $_.Message } | Should -BeNullOrEmpty
    }
}
