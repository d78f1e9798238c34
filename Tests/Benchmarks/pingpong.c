/* Two ranks: the latency of messages of one byte in microseconds, and the bandwidth of messages of 4 MiB in MB/s, on one line. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seconds for a message one way. */
static double one_way(int rank, char *buffer, int length, int rounds, int warm)
{
    double start = 0;
    for (int i = 0; i < warm + rounds; i++) {
        if (i == warm)
            start = MPI_Wtime();
        if (rank == 0) {
            MPI_Send(buffer, length, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
            MPI_Recv(buffer, length, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(buffer, length, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(buffer, length, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
        }
    }
    return (MPI_Wtime() - start) / rounds / 2;
}

int main(int argc, char **argv)
{
    enum { length = 4 << 20 };
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    char *buffer = malloc(length);
    memset(buffer, rank, length);
    double latency = one_way(rank, buffer, 1, 200000, 20000), bandwidth = length / one_way(rank, buffer, length, 200, 20);
    if (rank == 0)
        printf("%.3f %.1f\n", latency * 1e6, bandwidth / 1e6);
    MPI_Finalize();
    return 0;
}
