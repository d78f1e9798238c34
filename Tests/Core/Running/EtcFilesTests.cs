using Slipway.Running;
using static Tmds.Linux.LibC;

namespace Slipway.Tests.Running;

/// <summary>As the user that the tests run as.</summary>
public sealed class EtcFilesTests
{
    static Dictionary<string, string> Make(Func<string, string?> image) => EtcFiles.Make(image).ToDictionary(f => f.Name, f => f.Content);

    static string Number => ((uint)getuid()).ToString(System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void TheUserComesFirstWithAShellOfTheImage()
    {
        string[] user = Make(_ => null)["passwd"].Split('\n')[0].Split(':');
        Assert.Equal((Number, "/bin/sh"), (user[2], user[6]));
    }

    [Fact]
    public void TheImagesUsersStayButForThoseOfOurNameOrNumber()
    {
        string own = Make(_ => null)["passwd"].Split(':')[0];
        string passwd = Make(name => name == "passwd"
            ? $"other:x:64999:1::/:/bin/bash\nsame:x:{Number}:1::/:/x\n{own}:x:64998:1::/:/x\nno line\n" : null)["passwd"];
        Assert.Equal(["other:x:64999:1::/:/bin/bash", ""], passwd.Split('\n')[1..]);
    }

    [Fact]
    public void EachGroupOfOursIsThereOnce()
    {
        string[] numbers = [.. Make(_ => null)["group"].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(':')[2])];
        Assert.Contains(((uint)getgid()).ToString(System.Globalization.CultureInfo.InvariantCulture), numbers);
        Assert.Equal(numbers, numbers.Distinct());
    }

    [Theory]
    [InlineData(null, "passwd: files\ngroup: files\nhosts: files dns\n")]
    [InlineData("passwd: sss files systemd\nshadow: sss\nhosts:\tdns files\n",
        "passwd: files sss systemd\nshadow: sss\nhosts: files dns\ngroup: files\n")]
    public void FilesAreLookedIntoBeforeAnythingElse(string? image, string expected) =>
        Assert.Equal(expected, Make(name => name == "nsswitch.conf" ? image : null)["nsswitch.conf"]);
}
