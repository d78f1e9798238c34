BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:path = $env:PATH
    $script:image = (Build-TestImage "$TestDrive/tiny.sqfs" (New-Guid)).FullName
    Install-FakeLauncher "$TestDrive/bin"
}

Describe 'WhatIf' {
    AfterEach { $env:PATH = $path }

    It 'leaves nothing of New-ContainerImage' {
        Set-Content "$TestDrive/some.yaml" "from: deb`nsuite: bookworm"
        New-ContainerImage "$TestDrive/some.yaml" -Destination "$TestDrive/some.sqfs" -WhatIf | Should -BeNullOrEmpty
        Get-ChildItem $TestDrive -Force -Filter '*some*' | Select-Object -ExpandProperty Name | Should -Be 'some.yaml'
    }

    It 'leaves nothing of Add-FabricDriver' {
        Add-FabricDriver $image -WhatIf | Should -BeNullOrEmpty
        "$image.fabric.json" | Should -Not -Exist
    }

    It 'leaves nothing of Publish-ImageCache' {
        Publish-ImageCache $image -WhatIf | Should -BeNullOrEmpty
        $digest = (Get-FileHash $image -Algorithm SHA256).Hash.ToLowerInvariant()
        foreach ($cache in '/var/cache/slipway', "/var/tmp/slipway-$(id -u)") { "$cache/sha256/$digest" | Should -Not -Exist }
    }

    It 'runs nothing of Invoke-ContainerMpi' {
        $env:PATH = "$TestDrive/bin:$path"
        Invoke-ContainerMpi -Image $image -WhatIf -InformationVariable said 6>$null -- true | Should -BeNullOrEmpty
        $said | Should -BeNullOrEmpty
    }
}

Describe 'Paths' {
    BeforeAll {
        $null = New-Item "$TestDrive/prompt" -ItemType Directory
        Copy-Item $image "$TestDrive/prompt/here.sqfs"
    }

    It 'are relative to the location of the prompt' {
        Push-Location "$TestDrive/prompt"
        try {
            [Environment]::CurrentDirectory | Should -Not -Be "$TestDrive/prompt"
            (Add-FabricDriver ./here.sqfs).Path | Should -Be "$TestDrive/prompt/here.sqfs"
            "$TestDrive/prompt/here.sqfs.fabric.json" | Should -Exist
            ('here.sqfs' | Add-FabricDriver).Path | Should -Be "$TestDrive/prompt/here.sqfs"
            (Get-SlipwayError { New-ContainerImage ../none.yaml }).TargetObject | Should -Be "$TestDrive/none.yaml"
        }
        finally {
            Pop-Location
        }
    }

    It 'begin at home with ~' {
        $provider = Get-PSProvider FileSystem
        $home0 = $provider.Home
        try {
            $provider.Home = "$TestDrive/prompt"
            (Add-FabricDriver '~/here.sqfs').Path | Should -Be "$TestDrive/prompt/here.sqfs"
            (Get-SlipwayError { New-ContainerImage '~/none.yaml' }).TargetObject | Should -Be "$TestDrive/prompt/none.yaml"
        }
        finally {
            $provider.Home = $home0
        }
    }

    It 'may be on a drive of PowerShell' {
        $null = New-PSDrive -Name SlipwayTest -PSProvider FileSystem -Root "$TestDrive/prompt"
        (Add-FabricDriver 'SlipwayTest:/here.sqfs').Path | Should -Be "$TestDrive/prompt/here.sqfs"
        Remove-PSDrive SlipwayTest
    }

    It 'may have wildcards where definitions are named' {
        Set-Content "$TestDrive/prompt/a.yaml", "$TestDrive/prompt/b.yaml" 'from: nothing'
        $failures = @(New-ContainerImage "$TestDrive/prompt/*.yaml" 2>&1)
        $failures.TargetObject | Should -Be "$TestDrive/prompt/a.yaml", "$TestDrive/prompt/b.yaml"
    }
}

Describe 'Add-FabricDriver' {
    It 'attaches a plan with a verdict and a reason, and keeps it beside the image' {
        $planned = Add-FabricDriver $image
        $planned | Should -BeOfType ([Slipway.ContainerImage])
        $planned.FabricPlan.Reason | Should -Not -BeNullOrEmpty
        $kept = Get-Content "$image.fabric.json" | ConvertFrom-Json
        $kept.imageDigest | Should -Be $planned.Digest
        $kept.reason | Should -Be $planned.FabricPlan.Reason
    }

    It 'says None for a node without a fabric' {
        $null = New-Item "$TestDrive/root/sys/class" -ItemType Directory
        $plan = (Add-FabricDriver $image -Root "$TestDrive/root").FabricPlan
        $plan.Verdict | Should -Be None
        $plan.Reason | Should -Match 'no fabric device'
    }
}

Describe 'Fabric of a node with soft-RoCE' {
    BeforeAll {
        $script:rxe = "$TestDrive/rxe"
        foreach ($line in Get-Content "$Repository/Tests/Core/Fabric/Nodes/rxe.tree") {
            $kind, $path, $content = $line -split ' ', 3
            if ($kind -cnotin 'file', 'link') { continue }
            $null = New-Item (Split-Path "$rxe$path") -ItemType Directory -Force
            if ($kind -ceq 'link') { $null = New-Item "$rxe$path" -ItemType SymbolicLink -Target $content -Force } else { Set-Content "$rxe$path" $content }
        }
    }

    It 'is told by Get-FabricDriver' {
        $inventory = Get-FabricDriver $rxe
        $inventory | Should -BeOfType ([Slipway.FabricInventory])
        $device = $inventory.Devices[0]
        $device.Name, $device.Fabric, $device.KernelDriver, $device.Uverbs, $device.UverbsAbi, $device.State | Should -Be 'rxe0', 'SoftRoCE', 'rdma_rxe', 'uverbs0', 2, 'ACTIVE'
        $inventory.Devices | Out-String -Width 160 | Should -Match 'rxe0\s+SoftRoCE\s+rdma_rxe'
        (Get-Item $rxe | Get-FabricDriver).Devices.Count | Should -Be 1
    }

    It 'is refused with a reason for an image without libibverbs, and explained' {
        $said = Add-FabricDriver $image -Root $rxe -Explain -InformationVariable lines 6>$null
        $said.Verdict | Should -Be Refuse
        "$lines" | Should -Match 'rxe0 \(SoftRoCE, rdma_rxe\): Refuse'
    }

    It 'is an error where a source is asked for that does not hold, and writes nothing' {
        Remove-Item "$image.fabric.json" -ErrorAction Ignore
        $record = Get-SlipwayError { Add-FabricDriver $image -Root $rxe -Source Stack }
        Assert-SlipwayError $record FabricRefused InvalidOperation $image
        "$image.fabric.json" | Should -Not -Exist
    }

    It 'is an error where a device is asked for that is not there' {
        $record = Get-SlipwayError { Add-FabricDriver $image -Root $rxe -Device mlx5_0 }
        Assert-SlipwayError $record FabricDeviceNotFound ObjectNotFound mlx5_0
    }

    It 'is mended by packages only with a definition that is named, never with what the image says' {
        $record = Get-SlipwayError { Add-FabricDriver $image -Root $rxe -Source Package }
        Assert-SlipwayError $record FabricNeedsDefinition InvalidArgument $image
        $record = Get-SlipwayError { Add-FabricDriver $image -Root $rxe -Source Package -Definition "$TestDrive/gone.yaml" }
        Assert-SlipwayError $record DefinitionNotFound ObjectNotFound "$TestDrive/gone.yaml"
    }

    It 'is mended by packages where the image was just built, and brings its definition' -Skip:(-not (Test-Path /etc/libibverbs.d)) {
        $built = New-ContainerImage (New-Item "$TestDrive/own.yaml" -Value "from: host`nprograms: [sh]`n") "$TestDrive/own.sqfs"
        $mended = $built | Add-FabricDriver -Root $rxe -Source Package
        $mended.FabricPlan.Verdict | Should -Be Image
        $mended.Digest | Should -Not -Be $built.Digest
        $record = Get-SlipwayError { Get-ContainerImage $mended.Path | Add-FabricDriver -Root $rxe -Source Package }
        Assert-SlipwayError $record FabricNeedsDefinition InvalidArgument $mended.Path
    }

    It 'warns of a plan that is not to be believed' {
        $null = Add-FabricDriver $image
        chmod 666 "$image.fabric.json"
        $said = Get-ContainerImage $image -WarningVariable warned 3>$null
        $said.FabricPlan | Should -BeNullOrEmpty
        "$warned" | Should -BeLike "*'$image.fabric.json' is left out: it can be written by others (mode 0666)*"
        Remove-Item "$image.fabric.json"
    }

    It 'completes the names of its devices' {
        $line = "Add-FabricDriver x -Root $rxe -Device r"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be rxe0
    }
}

Describe 'Publish-ImageCache' {
    AfterEach { $env:PATH = $path }

    AfterAll { if ($script:published) { Clear-Placement $published } }

    It 'puts the image under its digest, and takes the second time for a hit' {
        $script:published = Publish-ImageCache $image
        $placement = $published.Placements[0]
        $placement.Hit | Should -BeFalse
        (Get-FileHash $placement.Path -Algorithm SHA256).Hash | Should -Be (Get-FileHash $image -Algorithm SHA256).Hash
        Split-Path $placement.Path -Leaf | Should -Be $published.Digest.Substring(7)
        (Publish-ImageCache $image).Placements[0].Hit | Should -BeTrue
    }

    It 'lets the launch plan name the image by its digest' {
        $env:PATH = "$TestDrive/bin:$path"
        ($published | Invoke-ContainerMpi -PlanOnly -- true).Image | Should -Be $published.Digest
    }

    It 'refuses an image that changed after it was described' {
        $changing = (Build-TestImage "$TestDrive/changing.sqfs" (New-Guid)).FullName
        $described = Add-FabricDriver $changing
        Add-Content $changing 'more'
        $record = Get-SlipwayError { $described | Publish-ImageCache }
        Assert-SlipwayError $record DigestMismatch InvalidData $changing
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

Describe 'Formatting' {
    AfterEach { $env:PATH = $path }

    It 'shows an image as a table' {
        $text = Add-FabricDriver $image | Out-String -Width 200
        $text | Should -Match 'Name\s+Size\s+Digest\s+Fabric\s+Nodes\s+Path'
        $text | Should -Match 'tiny\s+\S+ MB\s+sha256:[0-9a-f]{12}\s+\w+\s+0\s+/'
    }

    It 'shows a fabric plan as a list' {
        (Add-FabricDriver $image).FabricPlan | Out-String | Should -Match '(?s)Node.*Verdict.*Reason.*Devices'
    }

    It 'shows a launch plan as a list and a result as a table' {
        $env:PATH = "$TestDrive/bin:$path"
        Invoke-ContainerMpi -Image $image -PlanOnly -- true | Out-String | Should -Match '(?s)Launcher.*Ranks.*CommandLine.*Reasons'
        Invoke-ContainerMpi -Image $image 6>$null -- true | Out-String -Width 120 | Should -Match 'ExitCode\s+Ranks\s+Launcher\s+Elapsed\s+Nodes'
    }

    It 'shows a placement as a table' {
        $published = Publish-ImageCache $image
        $published.Placements | Out-String -Width 200 | Should -Match 'Node\s+State\s+Seconds\s+Transport\s+Path'
        Clear-Placement $published
    }

    It 'gives objects that pass Get-Member' {
        (Add-FabricDriver $image | Get-Member).Name | Should -Contain 'FabricPlan'
        (Add-FabricDriver $image | Get-Member).Name | Should -Contain 'Verdict'
    }
}
