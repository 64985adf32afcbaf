// Processes that come and go: at any time so many, of which so many are born a second, each with a little memory that it keeps
// and a little work every second; now and then one has much of both. Ends with its input. At the end it prints how many there were
// and how many nanoseconds of processor time they used, as they reckoned while they lived.
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static void live(double life, unsigned number, _Atomic long *used)
{
	double end = seconds(CLOCK_MONOTONIC) + life, told = 0;
	// Each is larger than those before it, so that every one would be among the largest.
	size_t memory = 16384 + (number % 10 ? 0 : number * 64 % (8 << 20));
	char *kept = malloc(memory);

	if (!kept)
		_exit(1);
	memset(kept, 1, memory);
	while (seconds(CLOCK_MONOTONIC) < end) {
		struct timespec second = { 1, 0 };
		double until = seconds(CLOCK_PROCESS_CPUTIME_ID) + (number % 100 ? 0.00005 : 0.005), now;

		do {
			now = seconds(CLOCK_PROCESS_CPUTIME_ID);
		} while (now < until);
		*used += (long)((now - told) * 1e9);
		told = now;
		nanosleep(&second, NULL);
	}
	_exit(0);
}

int main(int count, char **arguments)
{
	if (count != 3) {
		fprintf(stderr, "usage: churn PROCESSES BIRTHS-A-SECOND\n");
		return 2;
	}

	long most = atol(arguments[1]);
	double births = atof(arguments[2]), life = most / births, begun;
	_Atomic long *used = mmap(NULL, sizeof(*used), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned number = 0;
	pid_t own = getpid();

	if (used == MAP_FAILED) {
		perror("churn");
		return 1;
	}
	// Nobody collects the dead.
	signal(SIGCHLD, SIG_IGN);
	begun = seconds(CLOCK_MONOTONIC);
	for (;;) {
		double age = seconds(CLOCK_MONOTONIC) - begun;
		struct pollfd input = { 0, POLLIN, 0 };

		// All of them at once; from then on as many as end.
		while (number < most + age * births) {
			// Of the first ones each has a different part of its life behind it.
			double left = number < most ? life * (number + 1) / most : life;
			pid_t child = fork();

			if (child == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				if (getppid() == own)
					live(left, number, used);
				_exit(1);
			}
			if (child < 0)
				break;
			if (++number == most) {
				printf("ready\n");
				fflush(stdout);
			}
		}
		if (poll(&input, 1, 10) > 0)
			break;
	}
	printf("%u %ld\n", number, (long)*used);
	return 0;
}
