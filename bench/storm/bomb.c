// A fork bomb that ends: every process makes others as fast as it can and lives a fifth of a second, for so many seconds; at most
// so many at once, as a user of its own. At the end the first one prints how many there were.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const double LIFE = 0.2;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

int main(int count, char **arguments)
{
	if (count != 4) {
		fprintf(stderr, "usage: bomb SECONDS PROCESSES UID\n");
		return 2;
	}

	double end = now() + atof(arguments[1]), last = end;
	struct rlimit most = { atol(arguments[2]), atol(arguments[2]) };
	long *born = mmap(NULL, sizeof(*born), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec moment = { 0, 2000000 };
	int first = 1;

	if (born == MAP_FAILED || setrlimit(RLIMIT_NPROC, &most) || setuid(atoi(arguments[3]))) {
		perror("bomb");
		return 1;
	}
	// Nobody collects the dead.
	signal(SIGCHLD, SIG_IGN);
	while (now() < last) {
		pid_t child = fork();

		if (child == 0) {
			__sync_fetch_and_add(born, 1);
			prctl(PR_SET_NAME, "fork bomb");
			first = 0;
			last = now() + LIFE;
			if (last > end)
				last = end;
		} else if (child < 0) {
			nanosleep(&moment, NULL);
		}
	}
	if (!first)
		return 7;
	// The last ones.
	sleep(1);
	printf("%ld\n", *born);
	return 0;
}
