BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
}

Describe 'Remove-ImageCache' {
    It 'tells by id that a digest is none' {
        $failure = Get-SlipwayError { Remove-ImageCache 'sha256:../../etc/passwd' }
        $failure.FullyQualifiedErrorId | Should -BeLike 'DigestInvalid,*'
    }
}
