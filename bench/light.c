/* A lightly busy process: ten times a second a little computing and 512 bytes written to a file that it rewinds.
 * -DEVERY_MS=1000 -DSPINS=1000 make it a very light one. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef EVERY_MS
#define EVERY_MS 100
#endif
#ifndef SPINS
#define SPINS 20000
#endif

int main(void)
{
    FILE *scratch = tmpfile();
    char block[512] = { 0 };
    struct timespec pause = { EVERY_MS / 1000, EVERY_MS % 1000 * 1000 * 1000L };
    if (!scratch)
        return 1;
    for (volatile unsigned long spin = 0;;) {
        for (int i = 0; i < SPINS; i++)
            spin += (unsigned long)i;
        if (pwrite(fileno(scratch), block, sizeof block, 0) < 0)
            return 1;
        nanosleep(&pause, NULL);
    }
}
