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

Describe 'The pipeline' {
    AfterAll { if ($script:result) { Clear-Placement $image } }

    It 'builds LAMMPS, plans, publishes, and runs it on two ranks' {
        if ($absent = Get-Absent) { Set-ItResult -Skipped -Because $absent; return }
        if (-not (Get-Command mpirun -CommandType Application -ErrorAction Ignore)) { Set-ItResult -Skipped -Because 'mpirun is not installed'; return }
        if (-not (Test-Path /dev/fuse)) { Set-ItResult -Skipped -Because '/dev/fuse is not there'; return }
        Copy-Item "$Repository/examples/lammps/in.melt" $TestDrive
        Push-Location $TestDrive
        try {
            New-ContainerImage $definition -ErrorVariable failure -ErrorAction SilentlyContinue | Tee-Object -Variable built | Add-FabricDriver | Publish-ImageCache |
                Tee-Object -Variable image | Invoke-ContainerMpi -Ranks 2 -InformationVariable said -OutVariable result -- lmp -in in.melt -log none 6>$null
        }
        finally {
            Pop-Location
        }
        if ($failure.Count -and $failure[0].FullyQualifiedErrorId -like 'RepositoryUnreachable,*') { Set-ItResult -Skipped -Because "$($failure[0])"; return }
        $failure | Should -BeNullOrEmpty

        $script:image = $image[0]
        $script:result = $result[0]
        $result.ExitCode | Should -Be 0 -Because "$said"
        "$said" | Should -Match 'Loop time of .* on 2 procs'
        $built[0].Manifest.Packages.Name | Should -Contain 'lammps'
        $image.FabricPlan.Reason | Should -Not -BeNullOrEmpty
        $image.Digest | Should -Be "sha256:$((Get-FileHash "$TestDrive/lammps.sqfs" -Algorithm SHA256).Hash.ToLowerInvariant())"
        $image.Placements.Path | Should -Exist
        $image | Out-String -Width 200 | Should -Match 'lammps\s+\S+ MB\s+sha256:'
    }
}

Describe 'The demo' {
    It 'runs LAMMPS on two ranks by slipway alone' {
        if ($absent = (Get-Absent) ?? (Get-AbsentForRun)) { Set-ItResult -Skipped -Because $absent; return }
        if (-not (Get-Command mpirun -CommandType Application -ErrorAction Ignore)) { Set-ItResult -Skipped -Because 'mpirun is not installed'; return }
        # its own copy, so that nothing is left in the repository
        $null = New-Item "$TestDrive/examples" -ItemType Directory
        Copy-Item "$Repository/examples/lammps" "$TestDrive/examples" -Recurse -Exclude *.sqfs, *.json
        $null = New-Item "$TestDrive/out" -ItemType SymbolicLink -Target "$Repository/out"
        & "$TestDrive/examples/lammps/demo.sh" *> "$TestDrive/said.txt"
        $code = $LASTEXITCODE
        $said = Get-Content "$TestDrive/said.txt"
        if ($said -match 'the repository cannot be reached') { Set-ItResult -Skipped -Because "$said"; return }
        $code | Should -Be 0 -Because ($said -join "`n")
        "$said" | Should -Match 'Loop time of .* on 2 procs'
        $image = Get-ContainerImage "$TestDrive/examples/lammps/lammps.sqfs"
        $said | Should -Contain "digest   $($image.Digest)"
        $said -match '^fabric   \S' | Should -HaveCount 1
        Clear-Placement ([pscustomobject]@{ Digest = $image.Digest; Placements = Get-ImageCache | Where-Object Digest -EQ $image.Digest })
    }
}
