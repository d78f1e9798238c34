using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>What this node says, from whatever thread.</summary>
/// <param name="node">What whoever listens calls this node.</param>
sealed class NodeVoice(string node, TextWriter output)
{
    public string Node => node;

    public void Say(NodeReply reply)
    {
        lock (output)
            foreach (string line in ReplyLines.Of(reply, node))
            {
                output.WriteLine(line);
                output.Flush();
            }
    }
}
