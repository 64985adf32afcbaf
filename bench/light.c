/* A lightly busy process: ten times a second a little computing and 512 bytes written to a file that it rewinds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    FILE *scratch = tmpfile();
    char block[512] = { 0 };
    struct timespec pause = { 0, 100 * 1000 * 1000 };
    if (!scratch)
        return 1;
    for (volatile unsigned long spin = 0;;) {
        for (int i = 0; i < 20000; i++)
            spin += (unsigned long)i;
        if (pwrite(fileno(scratch), block, sizeof block, 0) < 0)
            return 1;
        nanosleep(&pause, NULL);
    }
}
