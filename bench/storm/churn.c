// Processes that come and go: at any time so many, of which so many are born a second, each with a little memory that it keeps
// and a little work now and then. One in fifty works hard in its youth. Ends with its input, and prints how many there were.
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static void live(double life, unsigned number)
{
	const double youth = 20;
	double born = seconds(CLOCK_MONOTONIC), now = born;
	size_t memory = 16384 + number % 64 * 4096;
	char *kept = malloc(memory);

	if (!kept)
		_exit(1);
	memset(kept, 1, memory);
	for (; now < born + life; now = seconds(CLOCK_MONOTONIC)) {
		int is_hard = number % 50 == 0 && now < born + youth;
		struct timespec rest = { is_hard ? 1 : 5, 0 };
		double until = seconds(CLOCK_PROCESS_CPUTIME_ID) + (is_hard ? 0.02 : 0.0001);

		while (seconds(CLOCK_PROCESS_CPUTIME_ID) < until)
			;
		nanosleep(&rest, NULL);
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
	unsigned number = 0;
	pid_t own = getpid();

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
					live(left, number);
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
	printf("%u\n", number);
	return 0;
}
