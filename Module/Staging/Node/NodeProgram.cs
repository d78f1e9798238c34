using Slipway.Cache;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>
/// The process of ours on a node: <c>slipway stage REQUEST</c>. A session of the controller starts it by SSH or a batch system, through the
/// script that finds our program there, or brings it (Staging/Controller).
/// </summary>
/// <remarks>
/// Its argument is a <see cref="NodeRequest"/>. It writes <see cref="NodeReply"/>s on standard output (<see cref="ReplyLines"/>), or where
/// the starter gives none back, to a <see cref="ReportAddress"/>. While it receives, it reads <see cref="NodeOrder"/>s from standard input,
/// and where it comes to that the image itself; the end of the input says that the controller has gone: then nothing is left here that is
/// not whole. It exits with 0 where it did what it was asked. Nothing else of this room reads or writes the standard streams.
/// </remarks>
sealed class NodeProgram : INodeWork
{
    readonly NodeVoice voice;

    NodeProgram(NodeVoice voice) => this.voice = voice;

    public static int Run(string argument)
    {
        NodeRequest request = NodeRequest.Parse(argument);
        TextWriter output = request.Report is { } report ? ReportWriter.Connect(report) : Console.Out;
        NodeVoice voice = new(request.Node ?? Environment.GetEnvironmentVariable("SLURMD_NODENAME") ?? Environment.MachineName, output);
        try
        {
            request.Ask(new NodeProgram(voice));
            return 0;
        }
        catch (OperationCanceledException)
        {
            // the controller has gone: nobody listens
        }
        catch (Exception e)
        {
            bool disk = e is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException;
            voice.Say(new NodeReply.Failed(NodeError.Of(disk ? CacheErrors.NotWritable(e) : SlipwayException.From(e))));
        }
        return 1;
    }

    public void Keep(CacheVerb verb) => voice.Say(new NodeReply.Entries(verb.Do(voice.Node)));

    public void Probe(SentImage image) =>
        voice.Say(new ImageHere(image, voice).Find() is { } there ? new NodeReply.Done(there) : new NodeReply.LacksImage());

    public void Receive(SentImage image) => new ImageReceiver(image, voice, Console.OpenStandardInput()).Run();

    public void AwaitCopy(SentImage image, string partial) =>
        voice.Say(new NodeReply.Done(new CopyKeeper(image, partial, voice, Console.OpenStandardInput()).Run()));

    // not every starter gives us an input to watch: if the controller goes, this still ends with a whole entry
    public void Pull(SentImage image) => voice.Say(new NodeReply.Done(
        CacheWriter.Publish(image.Path, image.Digest, _ => image.Plan, voice.Node, image.Transport, ProgramPlace.Of(image.Program))));
}
