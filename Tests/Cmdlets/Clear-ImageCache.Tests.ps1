BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
}

Describe 'Clear-ImageCache' {
    BeforeEach { $script:image = Publish-TestImage $TestDrive }

    AfterEach { Clear-Placement $image }

    It 'leaves what was used within the age' {
        Clear-ImageCache -MaxAge 36500.00:00:00 | Should -BeNullOrEmpty
        (Get-ImageCache).Digest | Should -Contain $image.Digest
    }
}
