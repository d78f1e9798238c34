BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:path = $env:PATH
    $script:image = (Build-TestImage "$TestDrive/tiny.sqfs" (New-Guid)).FullName
    Install-FakeLauncher "$TestDrive/bin"
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

Describe 'Publish-ImageCache on a node' {
    BeforeEach { $script:image = Publish-TestImage $TestDrive }

    AfterEach { Clear-Placement $image }

    It 'tells each node in a progress record and a verbose line, and its result in a placement' {
        $said = Publish-ImageCache $image -Node localhost -Verbose 4>&1
        $said.Where{ $_ -is [System.Management.Automation.VerboseRecord] }.Message | Should -Contain "Publishing $(Split-Path $image.Path -Leaf): localhost: has it"
        $placement = $said.Where{ $_ -isnot [System.Management.Automation.VerboseRecord] }.Placements
        $placement | Should -HaveCount 1
        $placement.Node | Should -Be localhost
        $placement.Digest | Should -Be $image.Digest
        $placement.Path | Should -Exist
        $placement.Bytes | Should -Be 0
        $placement.Hit | Should -BeTrue
        $placement.Transport | Should -Be Local
        $placement.Seconds | Should -BeGreaterOrEqual 0
    }

    It 'refuses names of nodes that are none, and goes on' {
        $failure = Get-SlipwayError { Publish-ImageCache $image -Node '-oProxyCommand=x', localhost | Out-Null }
        Assert-SlipwayError $failure -Id BadNodeName -Category InvalidArgument -Target '-oProxyCommand=x'
    }
}
