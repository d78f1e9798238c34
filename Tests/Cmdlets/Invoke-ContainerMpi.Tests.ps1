BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:path = $env:PATH
    $script:image = (Build-TestImage "$TestDrive/tiny.sqfs" (New-Guid) -WithBusybox).FullName
    Install-FakeLauncher "$TestDrive/bin"

    function Get-AbsentForRank {
        <# .SYNOPSIS What real ranks take and this machine lacks; nothing where all is there. #>
        if ($absent = Get-AbsentForRun) { return $absent }
        if (-not (Get-Command mpirun.openmpi -CommandType Application -ErrorAction Ignore)) { return 'mpirun.openmpi is not installed' }
    }
}

Describe 'Invoke-ContainerMpi' {
    AfterEach { $env:PATH = $path }

    BeforeEach { $env:PATH = "$TestDrive/bin:$path" }

    It 'plans without running' {
        $plan = Invoke-ContainerMpi -Image $image -Ranks 3 -PlanOnly -InformationVariable said 6>$null -- lmp -in in.melt
        $plan | Should -BeOfType ([Slipway.LaunchPlan])
        $said | Should -BeNullOrEmpty
        $plan.Launcher | Should -Be openmpi
        $plan.Program | Should -Be "$TestDrive/bin/mpirun"
        $plan.CommandLine | Should -Match '-np 3 .*/slipway run .*/tiny\.sqfs -- lmp -in in\.melt$'
        $plan.Reasons.Count | Should -BeGreaterThan 2
    }

    It 'spreads the ranks over the nodes' {
        (Invoke-ContainerMpi -Image $image -Ranks 5 -Node n1, n2 -PlanOnly -- true).CommandLine | Should -Match '--host n1:3,n2:2 '
    }

    It 'hands on what comes after -- as it is' {
        $result = Invoke-ContainerMpi -Image $image -Ranks 2 -InformationVariable said 6>$null -- lmp -in in.melt -Verbose 'two words' '' '$HOME;*'
        $result.ExitCode | Should -Be 0
        $arguments = "$($said.Where({ "$_" -ne 'complaint' }))" -replace '^.*<--> '
        $arguments | Should -Be '<lmp> <-in> <in.melt> <-Verbose> <two words> <> <$HOME;*>'
    }

    It 'flattens arrays, numbers and files to single arguments' {
        $null = Invoke-ContainerMpi -Image $image -InformationVariable said 6>$null -- prog @('a', @('b', 3)) 4.5 (Get-Item $image) -x=1
        "$($said.Where({ "$_" -ne 'complaint' }))" | Should -BeLike "*<--> <prog> <a> <b> <3> <4.5> <$image> <-x=1>*"
    }

    It 'works in the location of the prompt' {
        $there = New-Item "$TestDrive/there" -ItemType Directory
        Push-Location $there
        $null = Invoke-ContainerMpi -Image $image -InformationVariable said 6>$null -- true
        Pop-Location
        $said.ForEach({ "$_" }) | Should -Contain "$there"
    }

    It 'tells the exit code, and takes a failing command for no error of its own' {
        Install-FakeLauncher "$TestDrive/failing" 7
        $env:PATH = "$TestDrive/failing:$path"
        $result = Invoke-ContainerMpi -Image $image -Ranks 2 -ErrorAction Stop 6>$null -- false
        $result | Should -BeOfType ([Slipway.MpiResult])
        $result.ExitCode | Should -Be 7
        $result.Success | Should -BeFalse
        $result.Ranks | Should -Be 2
        $result.Elapsed | Should -BeGreaterThan ([timespan]::Zero)
        $result.CommandLine | Should -Match 'mpirun'
    }

    It 'shows both streams of the ranks on the information stream' {
        $said = Invoke-ContainerMpi -Image $image 6>&1 -- true | Where-Object { $_ -is [System.Management.Automation.InformationRecord] }
        "$said" | Should -Match '<true>'
        "$said" | Should -Match 'complaint'
    }
}

Describe 'A launch plan' {
    BeforeEach { $env:PATH = "$TestDrive/bin:$path" }

    AfterEach { $env:PATH = $path }

    It 'has every command, variable and bind with its reason' {
        $plan = Invoke-ContainerMpi -Image $image -Ranks 4 -Node n1, n2 -RanksPerNode 2 -BindTo core -Bind "$TestDrive/bin:/data:ro" -Environment @{ OMP_NUM_THREADS = 2 } -LauncherArgument --verbose -PlanOnly -WarningAction Ignore -- app
        $plan.CommandLine | Should -Match '-np 4 --host n1:2,n2:2 --map-by ppr:2:node --bind-to core .*--verbose .*slipway run --bind \S+:/data:ro --env OMP_NUM_THREADS=2 \S+ -- app$'
        $plan.Variables.Name | Should -Be OMP_NUM_THREADS
        ($plan.Binds | Where-Object Destination -EQ /data).ReadOnly | Should -BeTrue
        $plan.Binds.Reason | Should -Not -Contain ''
        $plan.Explain() | Should -Contain 'OMP_NUM_THREADS=2 (ranks): asked for'
        $plan | Out-String -Width 300 | Should -Match 'Verdict\s*: Unknown'
    }

    It 'warns where nothing is known of the image''s MPI' {
        $null = Invoke-ContainerMpi -Image $image -PlanOnly -WarningVariable warning -WarningAction SilentlyContinue -- app
        "$warning" | Should -Match 'no MPI library'
    }

    It 'is made for each object of the pipeline' {
        $plans = [pscustomobject]@{ Ranks = 2; Environment = @{ A = 1 } }, [pscustomobject]@{ Ranks = 3; Node = 'n1', 'n2' } | Invoke-ContainerMpi -Image $image -PlanOnly -WarningAction Ignore -- app
        $plans.Ranks | Should -Be 2, 3
        $plans[0].Variables.Name | Should -Be A
        $plans[1].CommandLine | Should -Match '--host n1:2,n2:1 '
        $plans[1].Variables | Should -BeNullOrEmpty
        ($image, (Get-Item $image) | Invoke-ContainerMpi -PlanOnly -WarningAction Ignore -- app).Count | Should -Be 2
        ([pscustomobject]@{ Image = $image; Ranks = 2; Command = 'app', '-x' } | Invoke-ContainerMpi -PlanOnly -WarningAction Ignore).CommandLine | Should -Match ' -- app -x$'
    }

    It 'runs nothing with -WhatIf' {
        Invoke-ContainerMpi -Image $image -WhatIf -InformationVariable said -WarningAction Ignore -- app | Should -BeNullOrEmpty
        $said | Where-Object { "$_" -match 'complaint' } | Should -BeNullOrEmpty
    }

    It 'completes launchers and bindings' {
        $line = 'Invoke-ContainerMpi -Launcher sr'
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be srun, srun-pmix, srun-pmi2, srun-cray, srun-none
        $line = 'Invoke-ContainerMpi -BindTo so'
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be socket
    }

    It 'knows the launchers of the site, and says where their file is wrong' {
        Set-Content "$TestDrive/launchers.yaml" 'launchers: [{name: mine, like: openmpi}]'
        $env:SLIPWAY_LAUNCHERS = "$TestDrive/launchers.yaml"
        try {
            (Invoke-ContainerMpi -Image $image -Launcher mine -PlanOnly -WarningAction Ignore -- app).Launcher | Should -Be mine
            Set-Content "$TestDrive/launchers.yaml" 'launchers:', '- name: mine', '  like: openmpi', '  ranks: ["{rank}"]'
            $record = Get-SlipwayError { Invoke-ContainerMpi -Image $image -PlanOnly -- app }
            Assert-SlipwayError $record LaunchersInvalid InvalidData "$TestDrive/launchers.yaml"
            "$record" | Should -BeLike "$TestDrive/launchers.yaml:4:*'{rank}'*"
        }
        finally {
            $env:SLIPWAY_LAUNCHERS = $null
        }
    }

    It 'names what cannot be: <Id>' -ForEach @(
        @{ Id = 'BadVariable'; Target = 'A B'; More = @{ Environment = @{ 'A B' = 1 } } }
        @{ Id = 'BindToNotChosen'; Target = 'tile'; More = @{ BindTo = 'tile' } }
        @{ Id = 'MpiImageIsHere'; Target = 'elsewhere'; More = @{ Mpi = 'Image'; Node = 'elsewhere' } }
    ) {
        Assert-SlipwayError (Get-SlipwayError { Invoke-ContainerMpi -Image $image @More -PlanOnly -- app }) $Id InvalidArgument $Target
    }
}

Describe 'Ranks' {
    It 'tells the rank that failed, its node and its last lines' {
        if ($absent = Get-AbsentForRank) { Set-ItResult -Skipped -Because $absent; return }
        $result = Invoke-ContainerMpi -Image $image -Ranks 2 -Launcher openmpi -LauncherArgument --oversubscribe -WarningAction Ignore 6>$null -- sh -c 'echo I am $OMPI_COMM_WORLD_RANK; [ $OMPI_COMM_WORLD_RANK = 0 ] || exit 6'
        $result.Success | Should -BeFalse
        $result.Failure.Rank, $result.Failure.ExitCode | Should -Be 1, 6
        $result.Failure.LastLines | Should -Be 'I am 1'
        $result | Out-String -Width 200 | Should -Match 'rank 1 on \S+: exit code 6'
    }

    It 'shows lines as they come, with their ranks where asked' {
        if ($absent = Get-AbsentForRank) { Set-ItResult -Skipped -Because $absent; return }
        $said = Invoke-ContainerMpi -Image $image -Ranks 2 -Launcher openmpi -LauncherArgument --oversubscribe -Tag -WarningAction Ignore 6>&1 -- sh -c 'echo here' | Where-Object { $_ -is [System.Management.Automation.InformationRecord] }
        $said.ForEach({ "$_" }) | Sort-Object | Should -Be '[0] here', '[1] here'
    }

    It 'are ended after their time' {
        if ($absent = Get-AbsentForRank) { Set-ItResult -Skipped -Because $absent; return }
        $result = Invoke-ContainerMpi -Image $image -Ranks 1 -Launcher openmpi -TimeoutSec 2 -WarningAction Ignore 6>$null -- sh -c 'while :; do :; done'
        $result.TimedOut, $result.ExitCode | Should -Be $true, 124
        "$($result.Failure)" | Should -Match 'not done after 2 s'
    }

    It 'run in a job, which has their output and results' {
        if ($absent = Get-AbsentForRank) { Set-ItResult -Skipped -Because $absent; return }
        $job = 1, 2 | ForEach-Object { [pscustomobject]@{ Ranks = $_ } } | Invoke-ContainerMpi -Image $image -Launcher openmpi -LauncherArgument --oversubscribe -AsJob -WarningAction Ignore -- sh -c 'echo hello'
        $job | Should -BeOfType ([System.Management.Automation.Job])
        (Get-Job -Id $job.Id).ChildJobs.Count | Should -Be 2
        $job | Wait-Job -Timeout 120 | Should -Not -BeNullOrEmpty
        $job.State | Should -Be Completed
        $said = $job | Receive-Job 6>&1
        ($said | Where-Object { $_ -is [Slipway.MpiResult] }).Ranks | Should -Be 1, 2
        ($said | Where-Object { "$_" -eq 'hello' }).Count | Should -Be 3
        Remove-Job $job
    }

    It 'end with their job' {
        if ($absent = Get-AbsentForRank) { Set-ItResult -Skipped -Because $absent; return }
        $begun = "$TestDrive/begun"
        $job = Invoke-ContainerMpi -Image $image -Launcher openmpi -Bind $TestDrive -AsJob -WarningAction Ignore -- sh -c "touch $begun; while :; do cat /dev/null; done"
        $until = (Get-Date).AddSeconds(60)
        while (-not (Test-Path $begun) -and (Get-Date) -lt $until) { Start-Sleep -Milliseconds 50 }
        $begun | Should -Exist
        Stop-Job $job
        $job.State | Should -Be Stopped
        # the launcher has ended; the kernel may need a moment for a rank that it has killed
        $until = (Get-Date).AddSeconds(10)
        do { $left = Get-Item '/proc/[0-9]*/cmdline' -ErrorAction Ignore | Where-Object { (Get-Content $_.FullName -Raw -ErrorAction Ignore) -like "*touch $begun*" } } while ($left -and (Get-Date) -lt $until)
        $left | Should -BeNullOrEmpty
        Remove-Job $job
    }
}

Describe 'Invoke-ContainerMpi -Preflight' {
    It 'starts the job where nothing failed, and does not where something did' {
        if ($absent = Get-AbsentForRank) { Set-ItResult -Skipped -Because $absent; return }
        (Invoke-ContainerMpi -Image $image -Launcher openmpi -Preflight -WarningAction SilentlyContinue -- touch "$TestDrive/started").ExitCode | Should -Be 0
        "$TestDrive/started" | Should -Exist
        # a flag that mpirun does not know fails the preflight, and the job would have no rank either
        $why = Get-SlipwayError { Invoke-ContainerMpi -Image $image -Launcher openmpi -LauncherArgument --no-such-flag -Preflight -WarningAction SilentlyContinue -- touch "$TestDrive/not" }
        Assert-SlipwayError $why PreflightFailed InvalidOperation "$image"
        "$TestDrive/not" | Should -Not -Exist
    }
}
