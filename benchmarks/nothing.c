/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nothing.c - no pool at all: the submitter runs the task itself.  Its time is the cost
 * of the measuring loop.
 */
#include "bench.h"

static bool nothing_start(const struct setup *setup)
{
	(void)setup;
	return true;
}

static void nothing_submit(unsigned producer, struct job *job)
{
	(void)producer;
	job_run(job);
}

static bool nothing_finish(void)
{
	return true;
}

const struct rival rival_nothing = {
	.name = "nothing",
	.what = "the loop itself, run inline",
	.start = nothing_start,
	.submit = nothing_submit,
	.finish = nothing_finish,
};
