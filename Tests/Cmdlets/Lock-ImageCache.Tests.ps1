BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
}

Describe 'Lock-ImageCache' {
    BeforeEach { $script:image = Publish-TestImage $TestDrive }

    AfterEach { Clear-Placement $image }

    It 'completes digests of the cache' {
        $word = $image.Digest.Substring(0, 20)
        $line = "Lock-ImageCache $word"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be $image.Digest
    }

    It 'names a digest that the cache does not have' {
        Assert-SlipwayError (Get-SlipwayError { Lock-ImageCache "sha256:$('f' * 64)" }) -Id ImageNotCached -Category ObjectNotFound -Target "sha256:$('f' * 64)"
    }
}
