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

    It 'completes digests of the cache' {
        $word = $image.Digest.Substring(0, 20)
        $line = "Lock-ImageCache $word"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be $image.Digest
    }

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
        $failure = Get-SlipwayError { Get-ImageCache -Node 'a b' }
        Assert-SlipwayError $failure -Id BadNodeName -Category InvalidArgument -Target 'a b'
    }

    It 'tells by id that a digest is none' {
        $failure = Get-SlipwayError { Remove-ImageCache 'sha256:../../etc/passwd' }
        $failure.FullyQualifiedErrorId | Should -BeLike 'DigestInvalid,*'
        Assert-SlipwayError (Get-SlipwayError { Lock-ImageCache "sha256:$('f' * 64)" }) -Id ImageNotCached -Category ObjectNotFound -Target "sha256:$('f' * 64)"
    }
}
