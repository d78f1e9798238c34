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
