BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
}

Describe 'Get-ImageDependency' {
    It 'gives each file with its rule, its reason and its package' {
        $found = Get-ImageDependency sh
        $found | ForEach-Object { $_.GetType().FullName | Should -Be 'Slipway.ImageDependency' }
        $asked = $found | Where-Object Rule -EQ 'definition'
        $asked.Why | Should -Contain 'the program sh'
        $library = $found | Where-Object Path -Like '*/libc.so.6'
        $library.Rule | Should -Be 'loader'
        $library.AskedBy | Should -Not -BeNullOrEmpty
        $library.Why | Should -BeLike "$($library.AskedBy) needs libc.so.6: *"
        if (Get-Command dpkg-query -ErrorAction Ignore) { $library.Package | Should -Be 'libc6' }
        ($found.Path | Sort-Object -Unique).Count | Should -Be $found.Count
    }

    It 'takes names from the pipeline, and finds what they share once' {
        $both = 'sh', 'env' | Get-ImageDependency
        ($both | Where-Object Path -Like '*/libc.so.6').Count | Should -Be 1
        Get-Item /usr/bin/env | Get-ImageDependency | Where-Object Rule -EQ 'definition' | Select-Object -ExpandProperty Path | Should -Contain '/usr/bin/env'
    }

    It 'leaves out what is excluded, with a warning for what the loader would need' {
        $found = Get-ImageDependency sh -Exclude '/**/libc.so.6' -WarningVariable warnings -WarningAction SilentlyContinue
        $found.Path | Should -Not -Contain '/usr/lib/x86_64-linux-gnu/libc.so.6'
        $warnings | Should -Match 'excluded, but .* needs it'
    }

    It 'looks below another root' {
        $null = New-Item "$TestDrive/root/opt" -ItemType Directory
        Set-Content "$TestDrive/root/opt/file" 'x'
        (Get-ImageDependency /opt -Root "$TestDrive/root").Path | Should -Be '/opt', '/opt/file'
    }

    It 'names what is missing as an error about the file, and gives the rest' {
        $null = New-Item "$TestDrive/script" -ItemType File
        Set-Content "$TestDrive/script" "#!/no/such/interpreter`n"
        chmod +x "$TestDrive/script"
        $failure = Get-SlipwayError { $script:rest = Get-ImageDependency "$TestDrive/script" }
        Assert-SlipwayError $failure 'DependencyMissing' 'ObjectNotFound' "$TestDrive/script"
        $failure.ErrorDetails.Message | Should -BeLike '*/no/such/interpreter* is not there*interpreter]'
    }

    It 'says what a name is not' {
        $failure = Get-SlipwayError { Get-ImageDependency no-such-name }
        Assert-SlipwayError $failure 'DependencyNotFound' 'ObjectNotFound' 'no-such-name'
    }
}
