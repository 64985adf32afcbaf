/* A process of many threads that sleep, with stacks so small that the kernel's limit of mappings (65530) is far.
 *
 *   threads N     starts N threads besides the first, prints "ready", waits until its input is closed, prints the
 *                 processor time that it has used in nanoseconds.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t shut = PTHREAD_MUTEX_INITIALIZER;

static void *sleeper(void *unused) {
    pthread_mutex_lock(&shut);
    pthread_mutex_unlock(&shut);
    return unused;
}

int main(int count, char **words) {
    pthread_attr_t small;
    pthread_t thread;
    struct timespec used;
    char byte;
    pthread_mutex_lock(&shut);
    pthread_attr_init(&small);
    pthread_attr_setguardsize(&small, 0);
    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN > 16384 ? PTHREAD_STACK_MIN : 16384);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (long left = count > 1 ? strtol(words[1], NULL, 10) : 0; left > 0; left--) {
        int error = pthread_create(&thread, &small, sleeper, NULL);
        if (error) {
            fprintf(stderr, "%ld threads are missing: error %d\n", left, error);
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    while (read(0, &byte, 1) > 0) {}
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    printf("%lld\n", (long long)used.tv_sec * 1000000000 + used.tv_nsec);
    fflush(stdout);
    /* Without waiting for the threads. */
    _exit(0);
}
