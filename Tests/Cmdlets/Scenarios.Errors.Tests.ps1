BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    Push-Location $TestDrive
    $script:image = (Build-TestImage "$TestDrive/tiny.sqfs").FullName
    $script:path = $env:PATH
}

AfterAll {
    $env:PATH = $path
    Pop-Location
}

Describe 'A destination or program that is missing' {
    BeforeAll {
        Set-Content "$TestDrive/good.yaml" "from: deb`nsuite: bookworm"
    }

    It 'names a destination that cannot be written' {
        if ($absent = Get-Absent) { Set-ItResult -Skipped -Because $absent; return }
        $record = Get-SlipwayError { New-ContainerImage ./good.yaml -Destination /proc/good.sqfs }
        Assert-SlipwayError $record DestinationNotWritable PermissionDenied /proc/good.sqfs
    }

    It 'names a destination whose directory is not there' {
        if ($absent = Get-Absent) { Set-ItResult -Skipped -Because $absent; return }
        $record = Get-SlipwayError { New-ContainerImage ./good.yaml -Destination ./nowhere/good.sqfs }
        Assert-SlipwayError $record DestinationNotWritable PermissionDenied "$TestDrive/nowhere/good.sqfs"
    }

    It 'names <_>, and the package that has it' -ForEach 'mmdebstrap', 'mksquashfs' {
        $bin = New-Item "$TestDrive/bin-without-$_" -ItemType Directory
        foreach ($program in 'unshare', 'mmdebstrap', 'apt-get', 'dpkg-deb', 'gpg', 'curl', 'mksquashfs', 'chroot', 'cp', 'newuidmap') {
            if ($program -ne $_) { $null = New-Item "$bin/$program" -ItemType SymbolicLink -Target /bin/true }
        }
        $env:PATH = "$bin"
        $record = Get-SlipwayError { New-ContainerImage ./good.yaml }
        $env:PATH = $path
        Assert-SlipwayError $record ProgramNotFound NotInstalled $_
        $record.ErrorDetails.RecommendedAction | Should -Match 'apt-get install (mmdebstrap|squashfs-tools)'
        Get-ChildItem $TestDrive -Force -Filter '*good*' | Select-Object -ExpandProperty Name | Should -Be 'good.yaml'
    }

    It 'names mpirun, and the package that has it' {
        $env:PATH = "$TestDrive"
        $record = Get-SlipwayError { Invoke-ContainerMpi -Image $image -- true }
        $env:PATH = $path
        Assert-SlipwayError $record ProgramNotFound NotInstalled mpirun
        $record.ErrorDetails.RecommendedAction | Should -Match 'apt-get install openmpi-bin'
    }
}

Describe 'A file that is no image' {
    BeforeAll {
        $script:truncated = "$TestDrive/truncated.sqfs"
        $script:garbage = "$TestDrive/garbage.sqfs"
        $whole = [System.IO.File]::ReadAllBytes($image)
        [System.IO.File]::WriteAllBytes($truncated, $whole[0..200])
        [System.IO.File]::WriteAllBytes($garbage, [byte[]]::new(4096))
    }

    It 'is refused by <name>' -ForEach @(
        @{ Name = 'Add-FabricDriver'; Step = { param($file) Add-FabricDriver $file } }
        @{ Name = 'Publish-ImageCache'; Step = { param($file) Publish-ImageCache $file } }
        @{ Name = 'Invoke-ContainerMpi'; Step = { param($file) Invoke-ContainerMpi -Image $file -- true } }
        @{ Name = 'Add-FabricDriver from the pipeline'; Step = { param($file) $file | Add-FabricDriver } }
        @{ Name = 'Publish-ImageCache from Get-Item'; Step = { param($file) Get-Item $file | Publish-ImageCache } }
    ) {
        $record = Get-SlipwayError { & $Step $truncated }
        Assert-SlipwayError $record ImageInvalid InvalidData $truncated
        "$record" | Should -BeLike "${truncated}: is truncated: it has 201 bytes of*"

        $record = Get-SlipwayError { & $Step $garbage }
        Assert-SlipwayError $record ImageInvalid InvalidData $garbage
        "$record" | Should -BeLike "${garbage}: is not a SquashFS image*"

        if ($Name -notlike '*Get-Item') {
            $record = Get-SlipwayError { & $Step "$TestDrive/none.sqfs" }
            Assert-SlipwayError $record ImageNotFound ObjectNotFound "$TestDrive/none.sqfs"
        }
        "$truncated.fabric.json" | Should -Not -Exist
    }
}

Describe 'A parameter that is wrong' {
    It 'names a launcher that is not known, and those that are' {
        $record = Get-SlipwayError { Invoke-ContainerMpi -Image $image -Launcher aprun -- true }
        Assert-SlipwayError $record UnknownLauncher InvalidArgument aprun
        $record.ErrorDetails.RecommendedAction | Should -Match 'openmpi'
    }

    It 'takes no option of a launcher for a node' {
        $record = Get-SlipwayError { Invoke-ContainerMpi -Image $image -Node '--oversubscribe' -- true }
        Assert-SlipwayError $record BadNodeName InvalidArgument '--oversubscribe'
    }

    It 'names a device that this node does not have' {
        $record = Get-SlipwayError { Add-FabricDriver $image -Device nothing0 }
        Assert-SlipwayError $record FabricDeviceNotFound ObjectNotFound nothing0
    }

    It 'is refused before anything is done where it is out of range' {
        { Invoke-ContainerMpi -Image $image -Ranks 0 -- true } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        { Add-FabricDriver $image -Source Refuse } | Should -Throw -ErrorId 'CannotConvertArgument*'
    }
}

Describe 'A name with control characters' {
    It 'is shown in an error, and the object keeps it' {
        $record = Get-SlipwayError { Get-ContainerImage "$TestDrive/a`e[31m`u{202e}.sqfs" }
        $record.ErrorDetails.Message | Should -Be "$TestDrive/a\x1b[31m\u202e.sqfs: there is no such image"
        $record.TargetObject | Should -Be "$TestDrive/a`e[31m`u{202e}.sqfs"
    }

    It 'is shown in a view: <Type>' -ForEach @(
        @{ Type = 'MissingDependency'; Value = @{ Kind = 'Library'; Name = "a`e]0;x`ab"; Programs = @(); Message = 'm' } }
        @{ Type = 'Placement'; Value = @{ Node = "a`e]0;x`ab"; Hit = $true; Seconds = 1.0; Transport = 't'; Path = '/p' } }
        @{ Type = 'ImageDependency'; Value = @{ Rule = 'r'; Kind = 'Link'; Size = 0; Package = 'p'; Path = "a`e]0;x`ab"; Why = 'w' } }
        @{ Type = 'FabricPlan'; Value = @{ Node = 'n'; Verdict = 'Image'; Reason = "a`e]0;x`ab"; Warnings = @('w'); Binds = @(); Environment = @{} } }
    ) {
        $shown = [pscustomobject](@{ PSTypeName = "Slipway.$Type" } + $Value) | Out-String -Width 200
        $shown | Should -Match 'a\\x1b\]0;x\\x07b'
        $shown | Should -Not -Match "`a"
    }
}
