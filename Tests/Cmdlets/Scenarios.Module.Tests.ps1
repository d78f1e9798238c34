BeforeAll {
    . (Join-Path $PSScriptRoot 'Helpers.ps1')
    # what a session of its own says: load contexts and accelerators are the process's
    function Invoke-Session([string] $Script) { (Get-Process -Id $PID).Path | ForEach-Object { & $_ -NoProfile -NonInteractive -Command $Script 2>&1 } | Out-String }
}

Describe 'Manifest' {
    It 'is clean' {
        $manifest = Test-ModuleManifest (Get-Item "$ModulePath/*/Slipway.psd1") -WarningVariable warnings -ErrorAction Stop
        $warnings | Should -BeNullOrEmpty
        $manifest.Version | Should -Be '0.1.0'
    }

    It 'exports its cmdlets and nothing else' {
        $exported = (Get-Module Slipway).ExportedCommands.Values
        $ours = @(
            'Add-FabricDriver', 'Clear-ImageCache', 'Compare-ImageDependency', 'Get-ContainerImage', 'Get-FabricDriver', 'Get-ImageCache', 'Get-ImageDependency'
            'Invoke-Container', 'Invoke-ContainerMpi', 'Lock-ImageCache', 'New-ContainerImage', 'Publish-ImageCache', 'Remove-ImageCache', 'Test-ContainerMpi'
            'Unlock-ImageCache'
        )
        $exported.Name | Sort-Object | Should -Be $ours
        $exported.CommandType | Sort-Object -Unique | Should -Be 'Cmdlet'
        (Get-Module Slipway).ExportedVariables.Count | Should -Be 0
    }

    It 'names only files that are in the module' {
        $base = (Get-Module Slipway).ModuleBase
        $data = Import-PowerShellDataFile "$base/Slipway.psd1"
        foreach ($file in @($data.RootModule) + $data.FormatsToProcess + $data.TypesToProcess + 'bin/slipway') { Join-Path $base $file | Should -Exist }
    }

    It 'shares the version of the repository' {
        ([xml](Get-Content "$Repository/Directory.Build.props")).SelectSingleNode('/Project/PropertyGroup/Version').InnerText | Should -Be (Get-Module Slipway).Version.ToString()
    }
}

Describe 'Libc' {
    It 'has the assembly of each processor, and loads this one''s' {
        $base = (Get-Module Slipway).ModuleBase
        $value = @{ x64 = 0x10000; arm64 = 0x4000 } # O_DIRECTORY of asm/fcntl.h
        $files = @{}
        foreach ($processor in $value.Keys) {
            $files[$processor] = "$base/runtimes/linux-$processor/lib/netstandard2.0/Tmds.LibC.dll"
            $assembly = [System.Runtime.Loader.AssemblyLoadContext]::new($processor).LoadFromAssemblyPath($files[$processor])
            $assembly.GetType('Tmds.Linux.LibC').GetProperty('O_DIRECTORY').GetValue($null) | Should -Be $value[$processor]
        }
        $context = [System.Runtime.Loader.AssemblyLoadContext]::GetLoadContext([Slipway.ContainerImage].Assembly)
        $processor = [System.Runtime.InteropServices.RuntimeInformation]::ProcessArchitecture
        $context.Assemblies.Where({ $_.GetName().Name -eq 'Tmds.LibC' }).Location | Should -Be $files["$processor".ToLowerInvariant()]
    }

    It 'is missed on another processor with one error' {
        Copy-Item (Get-Module Slipway).ModuleBase "$TestDrive/other" -Recurse
        Remove-Item "$TestDrive/other/runtimes" -Recurse
        $said = Invoke-Session "Import-Module '$TestDrive/other/Slipway.psd1'; 'modules: ' + @(Get-Module Slipway).Count"
        [regex]::Matches($said, 'Slipway is for Linux on x86-64 \(x64\) and 64-bit ARM \(arm64\)').Count | Should -Be 1 -Because $said
        $said | Should -Match 'modules: 0'
    }

    It 'is called by a module that was not compiled ahead of time' {
        $out = "$TestDrive/built"
        # in directories of its own: what was built here stays as it is
        $places = "ArtifactsPath=$out/artifacts;Out=$out/;CmdletsOutput=$out/publish/;LauncherOutput=$out/log/"
        $said = dotnet msbuild "$Repository/build.proj" -nologo -verbosity:minimal -target:Module "-property:ReadyToRun=false;UseArtifactsOutput=true;$places" 2>&1
        $LASTEXITCODE | Should -Be 0 -Because ($said -join "`n")
        $module = Get-Item "$out/module/Slipway/*"
        foreach ($file in Get-ChildItem $module -Filter *.dll -Recurse) {
            $reader = [System.Reflection.PortableExecutable.PEReader]::new([System.IO.File]::OpenRead($file))
            $reader.PEHeaders.CorHeader.ManagedNativeHeaderDirectory.Size | Should -Be 0 -Because "$file is not compiled ahead of time"
            $reader.Dispose()
        }
        $session = Invoke-Session @"
Import-Module '$out/module/Slipway'
(Get-ImageDependency /bin/sh).Path
Get-ImageDependency $TestDrive/none -ErrorVariable failure -ErrorAction SilentlyContinue
`$failure[0].FullyQualifiedErrorId
'entries: ' + @(Get-ImageCache).Count
"@
        $session | Should -Match '(?s)/libc\.so\.6\s.*,Slipway\.Cmdlets\.GetImageDependency.*entries: \d'
    }
}

Describe 'Isolation' {
    It 'is not disturbed by another YamlDotNet in the session' {
        Set-Content "$TestDrive/bad.yaml" "from: deb`nsiute: bookworm"
        $said = Invoke-Session @"
`$theirs = [System.Reflection.Emit.PersistedAssemblyBuilder]::new('YamlDotNet, Version=99.0.0.0', [object].Assembly)
`$null = `$theirs.DefineDynamicModule('YamlDotNet').DefineType('YamlDotNet.RepresentationModel.YamlStream', 'Public').CreateType()
`$theirs.Save('$TestDrive/YamlDotNet.dll')
`$null = [System.Reflection.Assembly]::LoadFrom('$TestDrive/YamlDotNet.dll')
Import-Module '$ModulePath'
New-ContainerImage '$TestDrive/bad.yaml' -ErrorVariable failure -ErrorAction SilentlyContinue
`$failure[0].FullyQualifiedErrorId
@([AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq 'YamlDotNet' }).Count
"@
        $said | Should -Match 'DefinitionUnknownKey'
        $said | Should -Match '(?m)^2\s*$' -Because 'theirs and ours are both loaded'
    }

    It 'leaves the default load context free of our assemblies' {
        [System.Runtime.Loader.AssemblyLoadContext]::Default.Assemblies.ForEach({ $_.GetName().Name }) | Should -Not -Contain 'YamlDotNet'
        [System.Runtime.Loader.AssemblyLoadContext]::GetLoadContext([Slipway.ContainerImage].Assembly).Name | Should -BeLike 'Slipway *'
    }

    It 'resolves public types at the prompt until the module is removed' {
        $said = Invoke-Session @"
Import-Module '$ModulePath'
[Slipway.ContainerImage].FullName
[Slipway.FabricPlan].Assembly.GetName().Name
Remove-Module Slipway
'after: ' + [psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')::Get.Keys.Where({ `$_ -like 'Slipway*' }).Count
"@
        $said | Should -Match 'Slipway.ContainerImage'
        $said | Should -Match 'Slipway.Core'
        $said | Should -Match 'after: 0'
    }

    It 'resolves the types of all parameters and outputs as [Slipway.Name]' {
        $commands = Get-Command -Module Slipway
        $types = @($commands.Parameters.Values.ParameterType) + @($commands.OutputType.Type) | ForEach-Object { if ($_.IsArray) { $_.GetElementType() } else { $_ } } |
            Where-Object { $_.Assembly.GetName().Name -like 'Slipway.*' } | Select-Object -Unique
        $types.Name | Should -Contain FabricSource
        $types.Name | Should -Contain ContainerImage
        foreach ($type in $types) { "Slipway.$($type.Name)" -as [type] | Should -Be $type }
    }

    It 'resolves no helper: <_>' -ForEach 'FabricPlanner', 'NodeCache', 'MpiJob', 'RunRequest', 'ImageBuilder', 'SlipwayCmdlet', 'DigestCompleter', 'HostProgram' {
        "Slipway.$_" -as [type] | Should -BeNullOrEmpty
    }

    It 'can be imported again after it was removed' {
        $said = Invoke-Session "Import-Module '$ModulePath'; Remove-Module Slipway; Import-Module '$ModulePath'; [Slipway.Definition].Name; (Get-Command -Module Slipway).Count"
        $said | Should -Match '(?s)Definition\s+15'
    }
}

Describe 'Help of <_>' -ForEach 'New-ContainerImage', 'Add-FabricDriver', 'Publish-ImageCache', 'Invoke-ContainerMpi', 'Test-ContainerMpi', 'Get-ContainerImage', 'Invoke-Container', 'Get-ImageDependency', 'Compare-ImageDependency', 'Get-FabricDriver' {
    BeforeAll {
        $script:name = $_
        $script:help = Get-Help $_ -Full
    }

    It 'has a synopsis of its own' {
        $help.Synopsis.Trim() | Should -Match '^[A-Z].*\.$'
        $help.Synopsis | Should -Not -Match ([regex]::Escape("$name ["))
        ($help.description | Out-String).Length | Should -BeGreaterThan 200
    }

    It 'describes every parameter' {
        $common = [System.Management.Automation.PSCmdlet]::CommonParameters
        $parameters = (Get-Command $name).Parameters.Values | Where-Object Name -NotIn $common
        $help.parameters.parameter.name | Sort-Object | Should -Be ($parameters.Name | Sort-Object)
        foreach ($parameter in $help.parameters.parameter) {
            ($parameter.description | Out-String).Trim() | Should -Not -BeNullOrEmpty -Because $parameter.name
            $actual = (Get-Command $name).Parameters[$parameter.name]
            $parameter.required | Should -Be "$($actual.Attributes.Where({ $_ -is [Parameter] })[0].Mandatory)" -Because $parameter.name
            $aliases = $actual.Aliases ? ($actual.Aliases -join ', ') : 'none'
            $parameter.aliases | Should -Be $aliases -Because $parameter.name
        }
    }

    It 'has examples whose commands parse' {
        $help.examples.example.Count | Should -BeGreaterOrEqual 2
        foreach ($example in $help.examples.example) {
            $errors = $null
            $ast = [System.Management.Automation.Language.Parser]::ParseInput($example.code, [ref]$null, [ref]$errors)
            $errors | Should -BeNullOrEmpty -Because $example.code
            $ast.Extent.Text | Should -Match 'Image|Fabric|Mpi|Container'
        }
    }

    It 'tells inputs, outputs and links' {
        $help.inputTypes.inputType.type.name | Should -Not -BeNullOrEmpty
        $help.returnValues.returnValue[0].type.name | Should -Match '^Slipway\.'
        $help.relatedLinks.navigationLink.linkText | Should -Contain 'about_Slipway'
    }
}

Describe 'about_Slipway' {
    It 'is found' {
        (Get-Help about_Slipway | Out-String) | Should -Match 'New-ContainerImage'
    }
}
