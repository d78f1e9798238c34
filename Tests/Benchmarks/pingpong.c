/* Bandwidth between two ranks: 4 MiB messages to and fro, in MB/s, one number. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    enum { length = 4 << 20, rounds = 200, warm = 20 };
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    char *buffer = malloc(length);
    memset(buffer, rank, length);
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
    if (rank == 0)
        printf("%.1f\n", 2.0 * rounds * length / (MPI_Wtime() - start) / 1e6);
    MPI_Finalize();
    return 0;
}
