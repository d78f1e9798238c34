BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
}

Describe 'Compare-ImageDependency' {
    BeforeAll {
        $script:absent = -not (Get-Command unsquashfs, mksquashfs -CommandType Application -ErrorAction Ignore)
        $script:root = "$TestDrive/compare"
        # a shell with all that it needs, as this host has it
        foreach ($file in Get-ImageDependency sh | Where-Object Rule -In 'loader', 'definition') {
            $null = New-Item "$root/$(Split-Path $file.Path)" -ItemType Directory -Force
            cp -a $file.Path "$root/$($file.Path)"
        }
    }

    It 'writes nothing where nothing is missing' {
        Compare-ImageDependency $root | Should -BeNullOrEmpty
    }

    It 'names the library that is missing, with the programs that do not start' {
        if ($absent) { Set-ItResult -Skipped -Because 'squashfs-tools are not installed'; return }
        Remove-Item (Get-ChildItem $root -Recurse -Filter libc.so.6).FullName
        $said = mksquashfs $root "$TestDrive/less.sqfs" -noappend -quiet -no-progress 2>&1
        $LASTEXITCODE | Should -Be 0 -Because "$said"
        foreach ($missing in (Compare-ImageDependency "$TestDrive/less.sqfs"), (Get-Item "$TestDrive/less.sqfs" | Compare-ImageDependency)) {
            $missing.GetType().FullName | Should -Be 'Slipway.MissingDependency'
            $missing.Kind | Should -Be 'Library'
            $missing.Name | Should -Be 'libc.so.6'
            $missing.Programs | Should -Not -BeNullOrEmpty
        }
    }

    It 'names an image that is not there' {
        $failure = Get-SlipwayError { Compare-ImageDependency "$TestDrive/none.sqfs" }
        Assert-SlipwayError $failure 'ImageNotFound' 'ObjectNotFound' "$TestDrive/none.sqfs"
    }
}
