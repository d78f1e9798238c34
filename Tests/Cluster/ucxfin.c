/* For MPICH 4.0 over UCX 1.13 and TCP, preloaded: in MPI_Finalize, the flush of disconnecting races with peers that wait in the process manager's barrier already, and most
   runs over several nodes hang there, in a container or not. Nothing is lost: the process is about to end. */
void *ucp_disconnect_nb(void *endpoint)
{
    (void)endpoint;
    return 0;
}
