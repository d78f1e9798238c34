BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:image = (Build-TestImage "$TestDrive/tiny.sqfs" (New-Guid)).FullName
}

Describe 'Add-FabricDriver' {
    It 'attaches a plan with a verdict and a reason, and keeps it beside the image' {
        $planned = Add-FabricDriver $image
        $planned | Should -BeOfType ([Slipway.ContainerImage])
        $planned.FabricPlan.Reason | Should -Not -BeNullOrEmpty
        $kept = Get-Content "$image.fabric.json" | ConvertFrom-Json
        $kept.imageDigest | Should -Be $planned.Digest
        $kept.reason | Should -Be $planned.FabricPlan.Reason
    }

    It 'says None for a node without a fabric' {
        $null = New-Item "$TestDrive/root/sys/class" -ItemType Directory
        $plan = (Add-FabricDriver $image -Root "$TestDrive/root").FabricPlan
        $plan.Verdict | Should -Be None
        $plan.Reason | Should -Match 'no fabric device'
    }
}

Describe 'Add-FabricDriver for a node with soft-RoCE' {
    BeforeAll { $script:rxe = New-SoftRoceNode "$TestDrive/rxe" }

    It 'is refused with a reason for an image without libibverbs, and explained' {
        $said = Add-FabricDriver $image -Root $rxe -Explain -InformationVariable lines 6>$null
        $said.Verdict | Should -Be Refuse
        "$lines" | Should -Match 'rxe0 \(SoftRoCE, rdma_rxe\): Refuse'
    }

    It 'is an error where a source is asked for that does not hold, and writes nothing' {
        Remove-Item "$image.fabric.json" -ErrorAction Ignore
        $record = Get-SlipwayError { Add-FabricDriver $image -Root $rxe -Source Stack }
        Assert-SlipwayError $record FabricRefused InvalidOperation $image
        "$image.fabric.json" | Should -Not -Exist
    }

    It 'is an error where a device is asked for that is not there' {
        $record = Get-SlipwayError { Add-FabricDriver $image -Root $rxe -Device mlx5_0 }
        Assert-SlipwayError $record FabricDeviceNotFound ObjectNotFound mlx5_0
    }

    It 'is mended by packages only with a definition that is named, never with what the image says' {
        $record = Get-SlipwayError { Add-FabricDriver $image -Root $rxe -Source Package }
        Assert-SlipwayError $record FabricNeedsDefinition InvalidArgument $image
        $record = Get-SlipwayError { Add-FabricDriver $image -Root $rxe -Source Package -Definition "$TestDrive/gone.yaml" }
        Assert-SlipwayError $record DefinitionNotFound ObjectNotFound "$TestDrive/gone.yaml"
    }

    It 'is mended by packages where the image was just built, and brings its definition' -Skip:(-not (Test-Path /etc/libibverbs.d)) {
        $built = New-ContainerImage (New-Item "$TestDrive/own.yaml" -Value "from: host`nprograms: [sh]`n") "$TestDrive/own.sqfs"
        $mended = $built | Add-FabricDriver -Root $rxe -Source Package
        $mended.FabricPlan.Verdict | Should -Be Image
        $mended.Digest | Should -Not -Be $built.Digest
        $record = Get-SlipwayError { Get-ContainerImage $mended.Path | Add-FabricDriver -Root $rxe -Source Package }
        Assert-SlipwayError $record FabricNeedsDefinition InvalidArgument $mended.Path
    }

    It 'warns of a plan that is not to be believed' {
        $null = Add-FabricDriver $image
        chmod 666 "$image.fabric.json"
        $said = Get-ContainerImage $image -WarningVariable warned 3>$null
        $said.FabricPlan | Should -BeNullOrEmpty
        "$warned" | Should -BeLike "*'$image.fabric.json' is left out: it can be written by others (mode 0666)*"
        Remove-Item "$image.fabric.json"
    }

    It 'completes the names of its devices' {
        $line = "Add-FabricDriver x -Root $rxe -Device r"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be rxe0
    }
}
