/* Sums over all ranks, and checks that there are as many of them as were started: sum RANKS [SECONDS | abort, which the last rank then does]. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    int rank, size, sum = 0, one = 0, length, wanted = count > 1 ? atoi(arguments[1]) : 0;
    char node[64], library[MPI_MAX_LIBRARY_VERSION_STRING];
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    gethostname(node, sizeof node);
    one = rank + 1;
    MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Get_library_version(library, &length);
    for (char *end = library; *end; end++)
        if (*end == '\n' || *end == ',')
            *end = 0;
    printf("rank %d of %d on %s: sum %d (%s)\n", rank, size, node, sum, library);
    fflush(stdout);
    if (count > 2 && strcmp(arguments[2], "abort") == 0) {
        if (rank == size - 1)
            MPI_Abort(MPI_COMM_WORLD, 7);
        sleep(600);
    }
    if (count > 2)
        sleep(atoi(arguments[2]));
    MPI_Finalize();
    return size != wanted || sum != wanted * (wanted + 1) / 2;
}
