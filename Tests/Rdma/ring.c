/* Each rank sends numbers of its own to the next, which checks every one: prints one line, and ends with 1 where a number is wrong. */
#include <mpi.h>
#include <stdio.h>

enum { COUNT = 65536, ROUNDS = 4 };
static int sent[COUNT], got[COUNT];

int main(int argc, char **argv)
{
    int rank, size, wrong = 0, all = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int next = (rank + 1) % size, before = (rank + size - 1) % size;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < COUNT; i++)
            sent[i] = rank * 1000003 + round * 7919 + i;
        MPI_Sendrecv(sent, COUNT, MPI_INT, next, round, got, COUNT, MPI_INT, before, round, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        for (int i = 0; i < COUNT; i++)
            wrong += got[i] != before * 1000003 + round * 7919 + i;
    }
    MPI_Reduce(&wrong, &all, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0)
        printf("%d ranks, %d wrong\n", size, all);
    MPI_Finalize();
    return wrong != 0;
}
