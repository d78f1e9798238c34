using System.Net.Sockets;
using Slipway.Staging.Messages;

namespace Slipway.Staging.Node;

/// <summary>The node's side of a <see cref="ReportAddress"/>.</summary>
static class ReportWriter
{
    /// <exception cref="SlipwayException">Whoever asked cannot be reached, or this is no task of the job.</exception>
    public static TextWriter Connect(ReportAddress address)
    {
        try
        {
            StreamWriter to = new(new TcpClient(address.Host, address.Port).GetStream());
            to.WriteLine(ReportAddress.Secret(address.Once));
            return to;
        }
        catch (Exception e) when (e is SocketException or IOException or ArgumentException)
        {
            throw StagingErrors.ControllerUnreachable(e);
        }
    }
}
