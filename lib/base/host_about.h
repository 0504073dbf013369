/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_about.h - about what time it is, for half the price of asking the clock.
 *
 * Where the kernel takes its clock from the CPU's counter, a thread that has noted
 * clock and counter lately knows from the counter alone between which two points
 * the time lies.  Nothing is calibrated: the only assumption is a counter of 500 MHz
 * to 16 GHz, the same on all CPUs, and the kernel's own choice vouches for that.  A
 * note is good for 16384 counts, 3 to 10 us on most machines, and the time then
 * known to a multiple of that.
 *
 * It is for questions that mostly have the same answer at both points; the caller
 * asks the clock where they have not.
 */
#ifndef WARD_LIB_BASE_HOST_ABOUT_H
#define WARD_LIB_BASE_HOST_ABOUT_H

#include "base/host.h"

#define HOST_NOTE_COUNTS 16384u

/* The clock said ns between these two counts.  Stale while 'before' is 0. */
struct host_note {
	uint64_t before, ns, after;
};

/* The time lies between these two, if 'known'. */
struct host_about {
	uint64_t from, to; /* ns */
	uint64_t count;
	bool known;
};

#if defined(__x86_64__)
extern bool host_counts; /* by host_init() */
extern __thread struct host_note host_note
	__attribute__((tls_model("initial-exec")));

static inline struct host_about host_about(void)
{
	const struct host_note *note = &host_note;
	struct host_about about = { .known = false };

	if (!host_counts)
		return about;
	about.count = __builtin_ia32_rdtsc();
	/* A signal handler that notes anew here noted a later count. */
	atomic_signal_fence(memory_order_seq_cst);
	about.known = about.count - note->before <= HOST_NOTE_COUNTS &&
		      about.count >= note->after;
	about.from = note->ns + (about.count - note->after) / 16;
	about.to = note->ns + (about.count - note->before) * 2 + 1;
	return about;
}
#else
static inline struct host_about host_about(void)
{
	return (struct host_about){ .known = false };
}
#endif

/* host_now(), which is noted for later if the time was not known just before. */
uint64_t host_now_noted(const struct host_about *about);

#endif
