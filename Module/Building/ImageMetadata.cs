using System.Globalization;
using System.Text;
using System.Text.Json;
using Slipway.Shared;

namespace Slipway.Building;

/// <summary>What Apptainer and Charliecloud read, so that the image runs unchanged there.</summary>
static class ImageMetadata
{
    const string Shell = ".singularity.d/env/90-environment.sh", Script = ".singularity.d/runscript";
    const string LabelFile = ".singularity.d/labels.json", Plain = "ch/environment";

    public static void Write(BuildRoot root, ImageRuntime runtime)
    {
        StringBuilder shell = new("#!/bin/sh\n"), plain = new();
        // slipway and Charliecloud take the plain file instead of the scripts: where an image of others has its variables in those alone,
        // it would hide them
        bool hides = runtime.KeepsScripts && root.Read(Plain) is null && root.Names(".singularity.d/env").Count > 0;
        // of an image that others made: what it sets comes first, and the definition's after it
        if (runtime.KeepsScripts)
        {
            shell.Append(Lines(root.Read(Shell)));
            plain.Append(Lines(root.Read(Plain)));
        }
        foreach ((string name, string value) in runtime.Environment)
        {
            shell.Append(CultureInfo.InvariantCulture, $"export {name}='{value.Replace("'", "'\\''", StringComparison.Ordinal)}'\n");
            plain.Append(CultureInfo.InvariantCulture, $"{name}={value}\n");
        }
        root.Write(Shell, shell.ToString(), (UnixFileMode)Mode.rwxr_xr_x);
        if (runtime.Runscript is not null || !runtime.KeepsScripts || root.Read(Script) is null)
            root.Write(Script, "#!/bin/sh\n" + (runtime.Runscript ?? "exec /bin/sh \"$@\"") + "\n", (UnixFileMode)Mode.rwxr_xr_x);
        root.Write(LabelFile, JsonSerializer.Serialize(Labels(root, runtime), ObjectsJson.Default.SortedDictionaryStringString) + "\n");
        if (!hides)
            root.Write(Plain, plain.ToString());
    }

    static string Lines(string? text) => text is null or "" || text.EndsWith('\n') ? text ?? "" : text + "\n";

    static SortedDictionary<string, string> Labels(BuildRoot root, ImageRuntime runtime)
    {
        SortedDictionary<string, string> labels = new(StringComparer.Ordinal);
        try
        {
            if (runtime.KeepsScripts && root.Read(LabelFile) is { } text)
                labels = new(JsonSerializer.Deserialize(text, ObjectsJson.Default.SortedDictionaryStringString)
                    ?? labels, StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            // not the labels that Apptainer writes
        }
        foreach ((string name, string value) in runtime.Labels)
            labels[name] = value;
        return labels;
    }
}
