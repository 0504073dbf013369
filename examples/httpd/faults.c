/* SPDX-License-Identifier: BSD-2-Clause */
#include "faults.h"

#include "request.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAULT_DEFAULT_MS 60000
#define FAULT_MOST_MS 3600000

/* A closed gate is a mutex in the loop's hands. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static bool gate_open = true; /* the loop alone */

static void gate_set(bool open)
{
	if (open == gate_open)
		return;
	if (open)
		pthread_mutex_unlock(&gate);
	else /* waits only for threads that pass just now, one by one */
		pthread_mutex_lock(&gate);
	gate_open = open;
}

void faults_init(void)
{
	gate_set(false);
}

static int bad_number(struct request *req)
{
	return answer_text(&req->answer, 400, "ms: 1..%d", FAULT_MOST_MS);
}

static int survived(struct request *req, const char *what)
{
	return answer_text(&req->answer, 200, "%s to its end, no verdict",
			   what);
}

static bool get_ms(const struct request *req, uint64_t *ms)
{
	return !request_number(req, "ms", FAULT_DEFAULT_MS, 1, FAULT_MOST_MS,
			       ms);
}

/*
 * ward_check() would tell of the verdict too, but asking is a sign of life, and
 * a fault that gives signs of life is none.
 */
int fault_spin(struct request *req)
{
	ward_ns end;
	uint64_t ms;

	if (!get_ms(req, &ms))
		return bad_number(req);
	end = ward_in(WARD_MS(ms));
	while (!request_revoked(req) && ward_now() < end)
		;
	return survived(req, "spun");
}

int fault_sleep(struct request *req)
{
	const struct timespec nap = { .tv_nsec = 5000000 };
	ward_ns end;
	uint64_t ms;

	if (!get_ms(req, &ms))
		return bad_number(req);
	end = ward_in(WARD_MS(ms));
	while (!request_revoked(req) && ward_now() < end)
		nanosleep(&nap, NULL);
	return survived(req, "slept");
}

int fault_deadlock(struct request *req)
{
	struct timespec end;
	uint64_t ms;

	if (request_number(req, "ms", 0, 1, FAULT_MOST_MS, &ms))
		return bad_number(req);
	if (ms) {
		ward_ns until = ward_in(WARD_MS(ms));

		end.tv_sec = (time_t)(until / 1000000000u);
		end.tv_nsec = (long)(until % 1000000000u);
		if (pthread_mutex_clocklock(&gate, CLOCK_MONOTONIC, &end))
			return survived(req, "waited");
	} else {
		pthread_mutex_lock(&gate);
	}
	pthread_mutex_unlock(&gate);
	return survived(req, "waited");
}

int fault_exit(struct request *req)
{
	if (request_says(req, "how", "raw")) {
		syscall(SYS_exit, 0); /* the C library never hears of it */
	} else if (request_says(req, "how", "cancel")) {
		pthread_cancel(pthread_self());
		pthread_testcancel();
	} else if (!*req->query || request_says(req, "how", "exit")) {
		pthread_exit(NULL);
	}
	return answer_text(&req->answer, 400, "how: exit, cancel or raw");
}

static int survived_signal(struct request *req, int signo)
{
	raise(signo);
	return survived(req, strsignal(signo));
}

int fault_segv(struct request *req)
{
	return survived_signal(req, SIGSEGV);
}

int fault_abort(struct request *req)
{
	(void)req;
	abort();
}

int fault_kill(struct request *req)
{
	return survived_signal(req, SIGKILL);
}

int fault_gate(struct request *req)
{
	bool open = request_says(req, "open", "1");

	if (!open && !request_says(req, "open", "0"))
		return answer_text(&req->answer, 400, "open: 0 or 1");
	gate_set(open);
	return answer_text(&req->answer, 200, "the gate is %s",
			   open ? "open" : "closed");
}
