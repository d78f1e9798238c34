BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    $script:rxe = New-SoftRoceNode "$TestDrive/rxe"
}

Describe 'Get-FabricDriver' {
    It 'tells the devices of a node with soft-RoCE' {
        $inventory = Get-FabricDriver $rxe
        $inventory | Should -BeOfType ([Slipway.FabricInventory])
        $device = $inventory.Devices[0]
        $device.Name, $device.Fabric, $device.KernelDriver, $device.Uverbs, $device.UverbsAbi, $device.State | Should -Be 'rxe0', 'SoftRoCE', 'rdma_rxe', 'uverbs0', 2, 'ACTIVE'
        $inventory.Devices | Out-String -Width 160 | Should -Match 'rxe0\s+SoftRoCE\s+rdma_rxe'
        (Get-Item $rxe | Get-FabricDriver).Devices.Count | Should -Be 1
    }
}
