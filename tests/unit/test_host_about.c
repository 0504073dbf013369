/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/host_about.h"
#include "wait.h"
#include <criterion/criterion.h>

/* Whatever is said to be known is true, however old the note, on whatever CPU. */
Test(host_about, the_time_lies_between)
{
	unsigned knew = 0;

	host_init();
	for (int i = 0; i < 200000; i++) {
		uint64_t before = host_now(), after;
		struct host_about about = host_about();

		after = host_now();
		if (about.known) {
			knew++;
			cr_assert_leq(about.from, about.to);
			cr_assert_leq(about.from, after);
			cr_assert_geq(about.to, before);
		}
		if (i % 3 == 0)
			host_now_noted(&about);
		if (i % 1000 == 0)
			host_yield();
	}
	cr_log_info("known %u times", knew);
}

#if defined(__x86_64__)
Test(host_about, known_only_where_the_kernel_vouches_for_the_counter)
{
	struct host_about about;

	host_init();
	host_counts = false;
	about = host_about();
	host_now_noted(&about);
	cr_assert_not(host_about().known);
}

/* A note is made when the last one is stale, and then the time is known. */
Test(host_about, is_known_after_a_note)
{
	host_init();
	host_counts = true;
	cr_assert(comes_true(({
		struct host_about about = host_about();
		bool fresh;

		host_now_noted(&about);
		about = host_about();
		fresh = about.known;
		fresh;
	})));
	cr_assert_neq(host_note.before, 0);
}
#endif
