BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
}

Describe 'Get-ImageCache' {
    BeforeEach { $script:image = Publish-TestImage $TestDrive }

    AfterEach { Clear-Placement $image }

    It 'lists what was published, with its source' {
        $entry = Get-ImageCache | Where-Object Digest -EQ $image.Digest
        $entry | Should -BeOfType ([Slipway.ImageCacheEntry])
        $entry.Sources | Should -Be $image.Path
    }

    It 'refuses the name of a node that is none' {
        $failure = Get-SlipwayError { Get-ImageCache -Node 'a b' }
        Assert-SlipwayError $failure -Id BadNodeName -Category InvalidArgument -Target 'a b'
    }
}
