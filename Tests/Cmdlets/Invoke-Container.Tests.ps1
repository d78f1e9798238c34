BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:image = (Build-TestImage "$TestDrive/box.sqfs" (New-Guid) -WithBusybox).FullName
    $script:absent = Get-AbsentForRun
}

Describe 'Invoke-Container' {
    It 'runs a command: lines as they come, and one result' {
        if ($absent) { Set-ItResult -Skipped -Because $absent; return }
        $result = Invoke-Container -Image $image -InformationVariable said 6>$null -- sh -c 'echo one; echo two >&2; exit 3'
        $result | Should -BeOfType ([Slipway.ContainerResult])
        $result.ExitCode | Should -Be 3
        $result.Success | Should -BeFalse
        $result.Output | Should -Be one
        $result.ErrorOutput | Should -Be two
        @($said.MessageData.Message | Sort-Object) | Should -Be one, two
    }

    It 'takes binds, variables and the location of the prompt' {
        if ($absent) { Set-ItResult -Skipped -Because $absent; return }
        $null = New-Item "$TestDrive/data" -ItemType Directory
        Set-Content "$TestDrive/data/file" 'of the host'
        Push-Location $TestDrive
        try {
            $result = Get-ContainerImage $image | Invoke-Container -Bind ./data:/mnt:ro -Environment @{ ONE = 1; TWO = 'a b' } 6>$null -- sh -c 'cat /mnt/file; echo $ONE $TWO; pwd'
        }
        finally { Pop-Location }
        $result.Output | Should -Be 'of the host', '1 a b', "$TestDrive"
    }

    It 'can write to a scratch root' {
        if ($absent) { Set-ItResult -Skipped -Because $absent; return }
        (Invoke-Container -Image $image -WritableTmpfs 6>$null -- touch /new).ExitCode | Should -Be 0
        (Invoke-Container -Image $image 6>$null -- touch /new).ExitCode | Should -Be 1
    }

    It 'writes an error where the container cannot be started' {
        if ($absent) { Set-ItResult -Skipped -Because $absent; return }
        $failure = Get-SlipwayError { Invoke-Container -Image $image -Bind /no/such/place -- true }
        Assert-SlipwayError $failure ContainerNotStarted InvalidOperation $image
        "$failure" | Should -Match '/no/such/place'
        (Invoke-Container -Image $image 6>$null -- no-such-command).ExitCode | Should -Be 127
    }

    It 'runs nothing with -WhatIf' {
        Invoke-Container -Image $image -WhatIf -- touch "$TestDrive/made" | Should -BeNullOrEmpty
        "$TestDrive/made" | Should -Not -Exist
    }

    It 'completes -Fabric' {
        (TabExpansion2 'Invoke-Container -Image x -Fabric ' -cursorColumn 34).CompletionMatches.CompletionText | Should -Be auto, none
    }
}
