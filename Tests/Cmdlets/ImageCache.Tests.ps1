BeforeAll { . (Join-Path $PSScriptRoot 'Helpers.ps1') }

Describe 'The cmdlets of the node cache' {
    BeforeAll {
        $script:directory = Join-Path ([System.IO.Path]::GetTempPath()) "slipway-cache-$([guid]::NewGuid().ToString('n'))"
        $null = New-Item $directory -ItemType Directory
    }
    AfterAll { Remove-Item $directory -Recurse }
    BeforeEach {
        $script:absent = if (-not (Get-Command mksquashfs -CommandType Application -ErrorAction Ignore)) { 'mksquashfs is not installed' }
        if ($absent) { Set-ItResult -Skipped -Because $absent; return }
        $script:image = Publish-ImageCache (Build-TestImage (Join-Path $directory "$([guid]::NewGuid().ToString('n')).sqfs") -Content ([guid]::NewGuid()))
    }
    AfterEach { if (-not $absent) { Clear-Placement $image } }

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

    It 'refuses names of nodes that are none, and goes on' {
        $failure = Get-SlipwayError { Publish-ImageCache $image -Node '-oProxyCommand=x', localhost | Out-Null }
        Assert-SlipwayError $failure -Id BadNodeName -Category InvalidArgument -Target '-oProxyCommand=x'
        $failure = Get-SlipwayError { Get-ImageCache -Node 'a b' }
        Assert-SlipwayError $failure -Id BadNodeName -Category InvalidArgument -Target 'a b'
    }

    It 'tells by id that a digest is none' {
        $failure = Get-SlipwayError { Remove-ImageCache 'sha256:../../etc/passwd' }
        $failure.FullyQualifiedErrorId | Should -BeLike 'DigestInvalid,*'
        Assert-SlipwayError (Get-SlipwayError { Lock-ImageCache "sha256:$('f' * 64)" }) -Id ImageNotCached -Category ObjectNotFound -Target "sha256:$('f' * 64)"
    }
}
