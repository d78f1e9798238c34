@{
    RootModule           = 'Slipway.psm1'
    ModuleVersion        = '0.1.0'
    GUID                 = '5b0f3a52-7a49-4f6b-9d0e-3f4f0a2d8c11'
    Author               = 'Slipway contributors'
    CompanyName          = 'Slipway contributors'
    Copyright            = 'Slipway contributors. Licensed under Apache-2.0.'
    Description          = 'Builds container images for HPC, gives them the fabric drivers of the machines they run on, stages them once per node, and starts MPI ranks in them under any launcher.'
    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')
    CmdletsToExport      = @(
        'New-ContainerImage'
        'Get-ContainerImage'
        'Get-FabricDriver'
        'Add-FabricDriver'
        'Publish-ImageCache'
        'Get-ImageCache'
        'Remove-ImageCache'
        'Clear-ImageCache'
        'Lock-ImageCache'
        'Unlock-ImageCache'
        'Invoke-Container'
        'Invoke-ContainerMpi'
        'Test-ContainerMpi'
        'Get-ImageDependency'
        'Compare-ImageDependency'
    )
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()
    FormatsToProcess     = @('Formats/Slipway.Format.ps1xml')
    TypesToProcess       = @('Formats/Slipway.Types.ps1xml')
    PrivateData          = @{
        PSData = @{
            Tags       = @('HPC', 'MPI', 'Container', 'InfiniBand', 'RDMA', 'Slurm', 'SquashFS', 'Linux')
            LicenseUri = 'https://www.apache.org/licenses/LICENSE-2.0'
        }
    }
}
