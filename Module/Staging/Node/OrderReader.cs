using Slipway.Linux;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>Reads the controller's orders until it closes, or goes.</summary>
static class OrderReader
{
    /// <param name="take">May read from the stream what follows an order. An error of its is thrown on.</param>
    public static void Read(Stream input, Action<NodeOrder> take)
    {
        List<byte> line = [];
        for (int read; (read = Next(input)) >= 0;)
            if (read != '\n')
            {
                line.Add((byte)read);
                if (line.Count > OpenedFile.Small)
                    return;
            }
            // what is no order does not come from our controller: as if it had gone
            else if (!StagingJson.TryRead([.. line], StagingJson.Default.NodeOrder, out NodeOrder? order))
                return;
            else
            {
                line.Clear();
                take(order);
            }
    }

    static int Next(Stream input)
    {
        try
        {
            return input.ReadByte();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return -1;
        }
    }
}
