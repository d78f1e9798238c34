BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:image = (Build-TestImage "$TestDrive/box.sqfs" (New-Guid) -WithBusybox).FullName
}

Describe 'Get-ContainerImage' {
    It 'describes an image that knows nothing of Slipway' {
        $found = Get-ContainerImage $image
        $found | Should -BeOfType ([Slipway.ContainerImage])
        $found.Path | Should -Be $image
        $found.Digest | Should -Be "sha256:$((Get-FileHash $image -Algorithm SHA256).Hash.ToLowerInvariant())"
        $found.Size | Should -Be (Get-Item $image).Length
        $found.Compressor | Should -Be zstd
        $found.Distribution.Id | Should -Be toy
        $found.Manifest | Should -BeNullOrEmpty
        $found.Name | Should -Be box
    }

    It 'takes wildcards and files, and reports each that is no image' {
        Set-Content "$TestDrive/text.sqfs" 'no image'
        $said = @(Get-ChildItem "$TestDrive/*.sqfs" | Get-ContainerImage 2>&1)
        $said.Where({ $_ -is [Slipway.ContainerImage] }).Path | Should -Be $image
        $failure = $said.Where({ $_ -is [System.Management.Automation.ErrorRecord] })
        Assert-SlipwayError $failure[0] ImageInvalid InvalidData "$TestDrive/text.sqfs"
        @(Get-ContainerImage "$TestDrive/b*.sqfs").Count | Should -Be 1
    }

    It 'shows the fabric plan that lies beside it' {
        $null = New-Item "$TestDrive/root/sys/class" -ItemType Directory
        $null = Add-FabricDriver $image -Root "$TestDrive/root"
        (Get-ContainerImage $image).FabricPlan.Verdict | Should -Be None
    }
}
