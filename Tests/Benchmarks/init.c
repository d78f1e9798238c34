/* When the last rank had done MPI_Init: seconds since 1970, from rank 0. Fails where there are not as many ranks as the first argument says. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    int rank, ranks;
    struct timespec now;
    MPI_Init(&argc, &argv);
    clock_gettime(CLOCK_REALTIME, &now);
    double done = now.tv_sec + now.tv_nsec / 1e9, last;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Reduce(&done, &last, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (rank == 0)
        printf("%.6f\n", last);
    MPI_Finalize();
    return ranks != atoi(argv[1]);
}
