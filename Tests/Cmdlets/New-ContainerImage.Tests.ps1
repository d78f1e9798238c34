BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:temporary = $env:TMPDIR
    $script:definition = "$Repository/examples/lammps/lammps.yaml"

    function Get-Leftover([string] $Directory) {
        <# .SYNOPSIS What a build that was stopped has left in its directory of temporary files, at its destination, and among the processes. #>
        Get-ChildItem $Directory -Force -Recurse -Depth 1 | Select-Object -ExpandProperty FullName
        foreach ($file in Get-Item '/proc/[0-9]*/cmdline' -ErrorAction Ignore) {
            $line = try { [System.IO.File]::ReadAllText($file.FullName) } catch { '' }
            if ($line.Contains("$Directory/tmp/slipway-build")) { $line.Replace("`0", ' ') }
        }
    }

    function Wait-Build([string] $Directory, [scriptblock] $Ended) {
        <# .SYNOPSIS True as soon as the repositories have been read; false where the build has ended before. #>
        $until = (Get-Date).AddSeconds(60)
        while (-not (Get-Item "$Directory/tmp/slipway-build-*/apt/root/var/lib/apt/lists/*_Packages*" -ErrorAction Ignore)) {
            if (& $Ended) { return $false }
            if ((Get-Date) -gt $until) { throw 'the build did not get under way' }
            Start-Sleep -Milliseconds 50
        }
        $true
    }
}

Describe 'New-ContainerImage from the host' {
    It 'tells what could not be found beside the image' {
        if ($because = Get-Absent) { Set-ItResult -Skipped -Because $because; return }
        Set-Content "$TestDrive/host.yaml" "from: host`nprograms: [sh]`nexclude: ['/**/libc.so.6']"
        $image = New-ContainerImage "$TestDrive/host.yaml" -Destination "$TestDrive/host.sqfs" -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings | Should -Match 'excluded, but .* needs it'
        $image.Manifest.From | Should -Be 'host'
        $image.Manifest.Problems.Message -join "`n" | Should -Match 'libc.so.6: excluded'
        $image.Manifest.Dependencies.Files | Should -Contain (readlink -f /bin/sh)
        (Compare-ImageDependency $image).Name | Should -Be 'libc.so.6'
    }
}

Describe 'A definition that is wrong' {
    BeforeAll { Push-Location $TestDrive }

    AfterAll { Pop-Location }

    It 'tells of <id> at <at>' -ForEach @(
        @{ Id = 'DefinitionUnknownKey'; At = '3:1'; Says = "unknown key 'packges'"; Text = "from: deb`nsuite: bookworm`npackges: [a]" }
        @{ Id = 'DefinitionUnknownKey'; At = '3:10'; Says = "unknown key 'form'"; Text = "from: deb`nsuite: bookworm`nfiles: [{form: a, to: /b}]" }
        @{ Id = 'DefinitionWrongType'; At = '3:11'; Says = "'packages' must be a list"; Text = "from: deb`nsuite: bookworm`npackages: lammps" }
        @{ Id = 'DefinitionWrongType'; At = '2:8'; Says = "'suite' must be a single value"; Text = "from: deb`nsuite: [bookworm]" }
        @{ Id = 'DefinitionUnknownProvider'; At = '3:9'; Says = "'yes' in 'fabric' is not a provider"; Text = "from: deb`nsuite: bookworm`nfabric: yes" }
        @{ Id = 'DefinitionFileNotFound'; At = '3:16'; Says = 'nowhere.txt'; Text = "from: deb`nsuite: bookworm`nfiles: [{from: ./nowhere.txt, to: /x}]" }
        @{ Id = 'DefinitionMissingKey'; At = '1:1'; Says = "'suite' is missing"; Text = 'from: deb' }
        @{ Id = 'DefinitionUnknownSource'; At = '1:7'; Says = "'tarball' is not a source"; Text = "from: tarball" }
        @{ Id = 'DefinitionNotYaml'; At = '3:1'; Says = 'not YAML'; Text = "from: deb`nsuite: [bookworm" }
    ) {
        Set-Content "$TestDrive/bad.yaml" $Text
        $record = Get-SlipwayError { New-ContainerImage ./bad.yaml }
        Assert-SlipwayError $record $Id InvalidData "$TestDrive/bad.yaml"
        "$record" | Should -BeLike "$TestDrive/bad.yaml:${At}: *"
        "$record" | Should -BeLike "*$Says*"
        "$TestDrive/bad.sqfs" | Should -Not -Exist
    }

    It 'suggests the key that was meant' {
        Set-Content "$TestDrive/bad.yaml" "from: deb`nsuite: bookworm`npackges: [a]"
        (Get-SlipwayError { New-ContainerImage ./bad.yaml }).ErrorDetails.RecommendedAction | Should -Match "Did you mean 'packages'"
    }

    It 'is told of when it is not there' {
        $record = Get-SlipwayError { New-ContainerImage ./none.yaml }
        Assert-SlipwayError $record DefinitionNotFound ObjectNotFound "$TestDrive/none.yaml"
        "$record" | Should -BeLike "*$TestDrive/none.yaml*"
    }

    It 'does not keep the next definition from being read' {
        Set-Content "$TestDrive/one.yaml", "$TestDrive/two.yaml" 'from: nothing'
        $failures = @(Get-ChildItem "$TestDrive/one.yaml", "$TestDrive/two.yaml" | New-ContainerImage 2>&1)
        $failures.Count | Should -Be 2
    }
}

Describe 'A build that is stopped' {
    BeforeEach {
        $script:directory = Join-Path $TestDrive (New-Guid)
        $null = New-Item "$directory/tmp", "$directory/to" -ItemType Directory
        $env:TMPDIR = "$directory/tmp"
    }

    AfterEach { $env:TMPDIR = $temporary }

    It 'leaves nothing behind when its pipeline is stopped' {
        if ($absent = Get-Absent) { Set-ItResult -Skipped -Because $absent; return }
        $shell = [powershell]::Create().AddScript("Import-Module '$ModulePath'; New-ContainerImage '$definition' -Destination '$directory/to/lammps.sqfs'")
        $running = $shell.BeginInvoke()
        if (-not (Wait-Build $directory { $running.IsCompleted })) { Set-ItResult -Skipped -Because "no build gets under way here: $($shell.Streams.Error)"; return }
        Get-ChildItem "$directory/to" -Force | Should -Not -BeNullOrEmpty -Because 'the image is being written beside its destination'
        $shell.Stop()
        $shell.InvocationStateInfo.State | Should -Be Stopped
        Get-Leftover $directory | Should -Be "$directory/tmp", "$directory/to"
        $shell.Dispose()
    }

    It 'leaves nothing behind after Ctrl+C' {
        if ($absent = Get-Absent) { Set-ItResult -Skipped -Because $absent; return }
        Set-Content "$directory/build.ps1" "Import-Module '$ModulePath'; New-ContainerImage '$definition' -Destination '$directory/to/lammps.sqfs'"
        # a terminal signals the whole foreground process group
        $pwsh = (Get-Process -Id $PID).Path
        $process = Start-Process env -ArgumentList '--default-signal', 'setsid', '--wait', $pwsh, '-NoProfile', '-NonInteractive', '-File', "$directory/build.ps1" -PassThru -RedirectStandardOutput "$directory/out.txt" -RedirectStandardError "$directory/err.txt"
        if (-not (Wait-Build $directory { $process.HasExited })) { Set-ItResult -Skipped -Because "no build gets under way here: $(Get-Content "$directory/err.txt" -Raw)"; return }
        # setsid forks where it leads a group already
        $group = (Get-Content "/proc/$($process.Id)/comm") -eq 'setsid' ? (Get-Content "/proc/$($process.Id)/task/$($process.Id)/children").Trim() : $process.Id
        kill -INT -- "-$group"
        $process.WaitForExit(60000) | Should -BeTrue
        Get-Leftover $directory | Where-Object { $_ -notmatch '\.(txt|ps1)$' } | Should -Be "$directory/tmp", "$directory/to"
    }
}
