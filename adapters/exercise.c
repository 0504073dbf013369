/* SPDX-License-Identifier: BSD-2-Clause */
#include "exercise.h"
#include "base/atomic.h"
#include <ward/base.h>
#include <time.h>

enum { ONE_IN = 3, NAP = 250 /* ms; each suite.sh has a budget of 100 ms */ };

void exercise(void)
{
	static _Atomic unsigned requests;
	struct timespec nap = { .tv_nsec = WARD_MS(NAP) };

	if (add_relaxed(&requests, 1) % ONE_IN == 0)
		nanosleep(&nap, NULL);
}
