/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_about.c - notes of clock and counter.
 */
#include "base/host_about.h"
#include "base/host_inside.h"

#if defined(__x86_64__)

#include <string.h>

bool host_counts;
__thread struct host_note host_note __attribute__((tls_model("initial-exec")));

/* The kernel has seen that the counter is even and the same everywhere. */
void host_about_init(void)
{
	static const char path[] = "/sys/devices/system/clocksource/"
				   "clocksource0/current_clocksource";
	char name[16];

	host_counts = host_read_path(path, name, sizeof(name)) > 0 &&
		      !strcmp(name, "tsc\n");
}

/* A signal handler in the middle finds a stale note, and may note its own. */
uint64_t host_now_noted(const struct host_about *about)
{
	uint64_t ns = host_now(), after;

	if (about->known || !host_counts)
		return ns;
	after = __builtin_ia32_rdtsc();
	host_note.before = 0;
	atomic_signal_fence(memory_order_seq_cst);
	host_note.ns = ns;
	host_note.after = after;
	atomic_signal_fence(memory_order_seq_cst);
	host_note.before = about->count;
	return ns;
}

#else

void host_about_init(void)
{
}

uint64_t host_now_noted(const struct host_about *about)
{
	(void)about;
	return host_now();
}

#endif
