BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
}

Describe 'Unlock-ImageCache' {
    It 'names a digest that the cache does not have' {
        Assert-SlipwayError (Get-SlipwayError { Unlock-ImageCache "sha256:$('f' * 64)" }) -Id ImageNotCached -Category ObjectNotFound -Target "sha256:$('f' * 64)"
    }
}
