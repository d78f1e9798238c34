using System.Management.Automation;
using Slipway.Staging;

namespace Slipway.Cmdlets;

/// <summary>Lets a parameter that takes an image take its path too.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ImageTransformationAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        string? path = value as string ?? (value as FileInfo)?.FullName;
        if (path is null)
            return inputData;
        try
        {
            return NodeCache.Describe(engineIntrinsics.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path));
        }
        catch (SlipwayException e)
        {
            throw new ArgumentTransformationMetadataException($"{e.Message}. {e.Recommendation}", e);
        }
    }
}
