BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:definition = "$Repository/examples/lammps/lammps.yaml"
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
