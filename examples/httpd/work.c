/* SPDX-License-Identifier: BSD-2-Clause */
#include "work.h"

#include "request.h"

#define WORK_DEFAULT_US 100
#define WORK_MOST_US 2000000
#define STEPS_BETWEEN_CHECKS 512

static uint64_t some_steps(uint64_t x)
{
	for (int i = 0; i < STEPS_BETWEEN_CHECKS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

int work_run(struct request *req)
{
	uint64_t us, x = 88172645463325252u;
	ward_ns end;
	int err;

	if (request_number(req, "us", WORK_DEFAULT_US, 0, WORK_MOST_US, &us))
		return answer_text(&req->answer, 400, "us: 0..%d",
				   WORK_MOST_US);
	for (end = ward_in(WARD_US(us)); ward_now() < end;) {
		/* A sign of life, and the question whether it still matters. */
		err = ward_check();
		if (err)
			return err;
		x = some_steps(x);
	}
	return answer_text(&req->answer, 200, "worked %llu us: %016llx",
			   (unsigned long long)us, (unsigned long long)x);
}
