using System.Globalization;
using Slipway.Inventory;
using Slipway.Linux;
using Slipway.Readers.Yaml;

namespace Slipway.Definitions;

/// <summary>What is wrong with a definition. Each names the place in the file, where there is one, and says what would be right.</summary>
static class DefinitionErrors
{
    const string Relative = "Paths are relative to the definition's directory.";
    const string NameOfVariable = "A variable's name has letters, digits and '_', and begins with no digit.";

    // of the file as a whole

    public static SlipwayException NotFound(string path, Exception inner) =>
        new("DefinitionNotFound", ErrorKind.ObjectNotFound, $"{path}: there is no such definition",
            "Give the path of a YAML file, e.g. ./lammps.yaml.", path, inner);

    public static SlipwayException Unreadable(string path, Exception inner) =>
        new("DefinitionUnreadable", ErrorKind.ReadError, $"{path}: {OpenedFile.Why(inner, path)}",
            "Give the path of a YAML file that you may read.", path, inner);

    public static SlipwayException TooLarge(string path, int limit, Exception inner) =>
        new("DefinitionTooLarge", ErrorKind.LimitsExceeded,
            string.Create(CultureInfo.InvariantCulture,
                $"{path}: the file has more than {limit} bytes, the most that a definition may have"),
            "Give the path of a YAML file; large files belong under 'files'.", path, inner);

    public static SlipwayException UnknownSource(YamlMap map, string from) =>
        map.Error("from", "DefinitionUnknownSource", $"'{from}' is not a source that this version builds from",
            $"Write e.g. 'from: deb'. The sources are: {SourceReader.Kinds}.");

    // variables

    public static SlipwayException UndeclaredVariable(string path, string name, IReadOnlyCollection<string> declared) =>
        new("DefinitionUnknownVariable", ErrorKind.InvalidArgument, $"{path}: the definition declares no variable '{name}'",
            declared.Count == 0 ? "Add 'variables: {NAME: default}' to the definition."
            : $"Its variables are: {string.Join(", ", declared)}.", name);

    public static SlipwayException VariableNotSet(string path, string name) =>
        new("DefinitionVariableNotSet", ErrorKind.InvalidArgument, $"{path}: the variable '{name}' has no default and is not set",
            $"Set it: -Variable @{{{name} = '…'}}, or --variable {name}=….", name);

    public static SlipwayException BadVariableName(Located name) => BadName(name, "is not a valid name for a variable", NameOfVariable);

    /// <summary>What the names of variables are like, for a mapping of them.</summary>
    public static string VariableRule => NameOfVariable;

    // stages

    public static SlipwayException BadStageName(Located name) =>
        BadName(name, "is not a valid name for a stage", "Use letters, digits, '.', '_' and '-'.");

    public static SlipwayException TooManyStages(Stage first, int limit) =>
        new("DefinitionTooLarge", ErrorKind.LimitsExceeded,
            string.Create(CultureInfo.InvariantCulture, $"{first.Source.From.Where}: more than {limit} stages"),
            "Put what they have in common into one.", first.Name);

    public static SlipwayException UnknownStage(DefinitionFile file, IReadOnlyList<Stage> stages) =>
        new("DefinitionUnknownStage", ErrorKind.InvalidData, $"{file.Where}: there is no stage '{file.Stage}'",
            stages.Count == 0 ? "Add it under 'stages'." : $"The stages are: {string.Join(", ", stages.Select(s => s.Name))}.", file.Stage);

    public static SlipwayException StageCycle(DefinitionFile file, IEnumerable<Stage> circle) =>
        new("DefinitionStageCycle", ErrorKind.InvalidData,
            $"{file.Where}: the stages copy from one another in a circle: {string.Join(" from ", circle.Select(s => s.Name))}",
            "Take one of them apart.", file.Stage);

    // files

    public static SlipwayException NotInStage(YamlMap file, Located from, Located stage) =>
        file.Error("from", "DefinitionBadPath", $"'{from.Value}' is not an absolute path in stage '{stage.Value}'",
            "Begin with '/', and use no '..'.");

    public static SlipwayException NotInImage(YamlMap file, Located to) =>
        file.Error("to", "DefinitionBadPath", $"'{to.Value}' is not an absolute path in the image", "Begin with '/', and use no '..'.");

    /// <param name="what">E.g. <c>archive</c>; the key that it stands under is <paramref name="key"/>.</param>
    public static SlipwayException FileNotThere(YamlMap map, string key, string what, string path) =>
        map.Error(key, "DefinitionFileNotFound", $"the {what} '{path}' is not there", Relative);

    public static SlipwayException NotAMode(YamlMap file, Located mode) =>
        file.Error("mode", "DefinitionWrongType", $"'{mode.Value}' is not a mode", "Write it in octal and quoted, e.g. \"0644\".");

    // fabric

    public static SlipwayException FabricWithoutPackages(YamlMap map, Source source) =>
        map.Error("fabric", "DefinitionWrongType", $"'fabric' installs packages, and 'from: {source.From.Value}' has none",
            "Leave the line out, and install the provider in 'run'.");

    public static SlipwayException UnknownProvider(YamlMap map, Located name) =>
        map.Error("fabric", "DefinitionUnknownProvider", $"'{name.Value}' in 'fabric' is not a provider",
            $"Write 'auto', 'none', or some of: {string.Join(", ", FabricPackages.Names)}.");

    // images and archives

    public static SlipwayException NotADigest(YamlMap map, Located image) =>
        map.Error("image", "DefinitionBadDigest", $"'{image.Value}' is not a digest",
            "Write sha256: and 64 lower-case hexadecimal digits.");

    public static SlipwayException NotASha256(YamlMap map, string sha256) =>
        map.Error("sha256", "DefinitionBadDigest", $"'{sha256}' is not a SHA-256",
            "Write 64 lower-case hexadecimal digits, as sha256sum prints them.");

    public static SlipwayException NotASize(YamlMap map, Located size) =>
        map.Error("size-limit", "DefinitionWrongType", $"'{size.Value}' is not a size", "Write e.g. 'size-limit: 20G'.");

    // a host

    public static SlipwayException NotOnHost(Located path) =>
        new("DefinitionBadPath", ErrorKind.InvalidData, $"{path.Where}: '{path.Value}' is not an absolute path",
            "Begin with '/', and use no '..': it is the path on the host and in the image.", path.Value);

    public static SlipwayException EmptyHost(YamlMap map) =>
        map.Error("from", "DefinitionMissingKey", "the image would be empty: the definition has none of 'programs', 'packages' and 'files'",
            "Add e.g. 'programs: [lmp]'.");

    // packages

    public static SlipwayException NotASuite(YamlMap map, Located suite) =>
        map.Error("suite", "DefinitionBadName", $"'{suite.Value}' is not the name of a suite", "Write e.g. 'suite: bookworm'.");

    public static SlipwayException NotARelease(YamlMap map, Located release) =>
        map.Error("release", "DefinitionBadName", $"'{release.Value}' is not a release", "Write e.g. 'release: \"9\"'.");

    public static SlipwayException NoPackages(YamlMap map) =>
        map.Error("packages", "DefinitionMissingKey", "'packages' is missing",
            "Name what the image is to hold, e.g. 'packages: [bash, coreutils]'.");

    public static SlipwayException NotADebPackage(Located package) =>
        BadName(package, "is not the name of a Debian package", "Write NAME, NAME=VERSION or NAME/SUITE.");

    public static SlipwayException NotAnRpmPackage(Located package) =>
        BadName(package, "is not the name of an RPM package",
            "Write NAME, NAME-VERSION, NAME-VERSION-RELEASE.ARCH, a capability, or @GROUP.");

    // repositories

    public static SlipwayException RepositoryTwice(PackageRepository second) =>
        new("DefinitionBadName", ErrorKind.InvalidData, $"{second.Name.Where}: two repositories have the name '{second.Name.Value}'",
            "Give each repository a name of its own.", second.Name.Value);

    public static SlipwayException BadRepositoryName(YamlMap repository, Located name) =>
        repository.Error("name", "DefinitionBadName", $"'{name.Value}' is not a valid name for a repository",
            "Use letters, digits, '.', '_' and '-'.");

    public static SlipwayException SeveralPlaces(YamlMap repository, Located name) =>
        repository.Error("name", "DefinitionConflict", $"repository '{name.Value}' has more than one of 'url', 'mirrorlist' and 'metalink'",
            "Keep one of them.");

    public static SlipwayException WithoutKey(YamlMap repository, Located name) =>
        repository.Error("name", "RepositoryWithoutKey", $"repository '{name.Value}' has no key, so nothing would check what comes from it",
            "Add 'key: FILE.asc', or 'trusted: true' if you mean it.");

    public static SlipwayException BadSuiteOrComponent(YamlMap repository, Located name) =>
        repository.Error("name", "DefinitionBadName", $"repository '{name.Value}' has a suite or component that is not a name",
            "Use letters, digits, '.', '_', '/' and '-'.");

    public static SlipwayException NotAnArchitecture(YamlMap repository, Located architecture, bool deb) =>
        repository.Error("architecture", "DefinitionBadName", $"'{architecture.Value}' is not the name of an architecture", deb
            ? "Write e.g. amd64." : "Write e.g. x86_64.");

    public static SlipwayException PasswordInUrl(YamlMap repository, string key) =>
        repository.Error(key, "DefinitionBadUrl", "the URL has a user name or password, and every image would contain it",
            "Leave it out, and put it into ~/.netrc.");

    public static SlipwayException NotAUrl(YamlMap repository, string key, Located url, IEnumerable<string> schemes) =>
        repository.Error(key, "DefinitionBadUrl", $"'{url.Value}' is not the URL of a {(key == "proxy" ? "proxy" : "repository")}",
            $"Begin with {string.Join(", ", schemes.Select(s => s is "file" or "copy" ? s + ":///" : s + "://"))}.");

    public static SlipwayException NotAPackagePattern(YamlMap repository, string key, Located pattern) =>
        repository.Error(key, "DefinitionBadName", $"'{pattern.Value}' in '{key}' is not the name of a package",
            "Write names, with '*' for any characters.");

    public static SlipwayException NotAFingerprint(YamlMap repository, Located fingerprint) =>
        repository.Error("fingerprint", "DefinitionWrongType", $"'{fingerprint.Value}' is not a fingerprint",
            "Write its 40 (or 64) hexadecimal digits, as 'gpg --show-keys' prints them.");

    public static SlipwayException TwoFingerprints(YamlMap repository) =>
        repository.Error("fingerprint", "DefinitionConflict", "'key' and 'fingerprint' are two different fingerprints",
            "Keep one of them.");

    public static SlipwayException KeyNotThere(YamlMap repository, string file) =>
        repository.Error("key", "DefinitionFileNotFound", $"the key '{file}' is not there",
            "Put the repository's public key (.asc or .gpg) beside the definition.");

    static SlipwayException BadName(Located name, string what, string advice) =>
        new("DefinitionBadName", ErrorKind.InvalidData, $"{name.Where}: '{name.Value}' {what}", advice, name.Value);
}
