BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:image = (Build-TestImage "$TestDrive/box.sqfs" (New-Guid) -WithBusybox).FullName
    $script:absent = Get-AbsentForRun
    if (-not $absent -and -not (Get-Command mpirun -ErrorAction Ignore)) { $script:absent = 'mpirun is not on the PATH' }
}

Describe 'Test-ContainerMpi' {
    It 'gives an object for each check, of this node and of the job' {
        if ($absent) { Set-ItResult -Skipped -Because $absent; return }
        $checks = Test-ContainerMpi -Image $image -Launcher openmpi
        $checks | Should -BeOfType ([Slipway.PreflightCheck])
        ($checks | Where-Object Node).Node | Select-Object -Unique | Should -Be ([System.Net.Dns]::GetHostName())
        $checks.Name | Should -Contain memlock
        $checks.Name | Should -Contain user-namespaces
        # busybox alone: there is no MPI, and nothing to load one with
        $mpi = $checks | Where-Object Name -EQ mpi
        $mpi.Node | Should -BeNullOrEmpty
        $mpi.Status | Should -Be Warning
        $mpi.Advice | Should -Not -BeNullOrEmpty
        ($checks | Out-String) | Should -Match '\(job\)\s+mpi\s+Warning'
    }

    It 'refuses a launcher that is none, and an image that is none' {
        Assert-SlipwayError (Get-SlipwayError { Test-ContainerMpi -Image $image -Launcher nosuch }) UnknownLauncher InvalidArgument nosuch
        Assert-SlipwayError (Get-SlipwayError { [pscustomobject]@{ Image = $image; Launcher = 'nosuch' } | Test-ContainerMpi }) UnknownLauncher InvalidArgument nosuch
        Assert-SlipwayError (Get-SlipwayError { Test-ContainerMpi -Image "$TestDrive/nothing.sqfs" }) ImageNotFound ObjectNotFound "$TestDrive/nothing.sqfs"
    }
}
