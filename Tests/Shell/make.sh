#!/usr/bin/env bash
# Finds the PowerShell for demo and tests, 7.6 or later with Pester 5, and prints the directory that belongs in front of the PATH for it: none, an empty
# line, where the PATH has one already; else out/pwsh, where it is made of NuGet's packages, and again only when what it is made of has changed. Where it
# cannot be made, the line is empty, and what dotnet said follows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export POWERSHELL_TELEMETRY_OPTOUT=1

suits() {
    "$1" -NoProfile -NonInteractive -Command '
        $version = $PSVersionTable.PSVersion
        $pester = Get-Module Pester -ListAvailable | Where-Object { $_.Version.Major -eq 5 }
        exit [int](100 * $version.Major + $version.Minor -lt 706 -or -not $pester)'
}

make() {
    local said
    printf '\n== making a PowerShell for demo and tests (out/pwsh), since none is on the PATH\n' >&2
    rm -rf out/pwsh.new
    publish() { dotnet publish Tests/Shell/Pwsh.csproj --nologo --verbosity minimal --configuration Release --output out/pwsh.new; }
    if ! said=$({ publish && suits out/pwsh.new/pwsh; } 2>&1); then
        # half-written files would be taken for whole
        rm -rf out/pwsh.new Tests/Shell/{bin,obj}
        printf '\n%s\n' "$said"
        exit 1
    fi
    rm -rf out/pwsh
    mv out/pwsh.new out/pwsh
    printf '%s\n' "$1" >out/pwsh.sources
}

if command -v pwsh >/dev/null && suits pwsh >/dev/null 2>&1; then
    echo
    exit
fi
mkdir -p out
digest=$(cat Tests/Shell/*.* Directory.*.props | sha256sum)
[ -x out/pwsh/pwsh ] && [ "$(cat out/pwsh.sources 2>/dev/null)" = "$digest" ] || make "$digest"
printf '%s\n' "$PWD/out/pwsh"
