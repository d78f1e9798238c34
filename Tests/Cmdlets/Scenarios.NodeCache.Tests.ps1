BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
}

Describe 'The cmdlets of the node cache' {
    BeforeEach { $script:image = Publish-TestImage $TestDrive }

    AfterEach { Clear-Placement $image }

    It 'lists, locks, unlocks and removes an entry' {
        $entry = Get-ImageCache | Where-Object Digest -EQ $image.Digest
        $entry | Should -HaveCount 1
        $entry.Size | Should -Be $image.Size
        $entry.Sources | Should -Be $image.Path
        $entry.Valid | Should -BeTrue
        ($entry | Lock-ImageCache).Pinned | Should -BeTrue
        (Unlock-ImageCache $image.Path).Pinned | Should -BeFalse
        ($image | Remove-ImageCache).Path | Should -Be $entry.Path
        $entry.Path | Should -Not -Exist
        Get-ImageCache | Where-Object Digest -EQ $image.Digest | Should -BeNullOrEmpty
    }

    It 'changes nothing with -WhatIf' {
        $image | Remove-ImageCache -WhatIf | Should -BeNullOrEmpty
        $image | Lock-ImageCache -WhatIf | Should -BeNullOrEmpty
        Clear-ImageCache -MaxSize 0 -WhatIf | Should -BeNullOrEmpty
        $entry = Get-ImageCache | Where-Object Digest -EQ $image.Digest
        $entry | Should -HaveCount 1
        $entry.Pinned | Should -BeFalse
        $null = Lock-ImageCache $image
        Unlock-ImageCache $image -WhatIf | Should -BeNullOrEmpty
        (Get-ImageCache | Where-Object Digest -EQ $image.Digest).Pinned | Should -BeTrue
        $null = Unlock-ImageCache $image
    }
}
