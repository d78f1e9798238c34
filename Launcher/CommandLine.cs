namespace Slipway.Launcher;

static class CommandLine
{
    public static int Run(string[] arguments) { System.Console.WriteLine(string.Join(' ', arguments)); return 0; }
}
