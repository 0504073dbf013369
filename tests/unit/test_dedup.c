/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/dedup.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the hash -------------------------------------------------------- */

static void *frames[] = { (void *)(uintptr_t)qsort, (void *)(uintptr_t)strlen,
			  (void *)(uintptr_t)snprintf };

static struct ward_report one(void)
{
	return (struct ward_report){ .kind = WARD_R_ERROR,
				     .err = -5,
				     .task = "task",
				     .what = "what",
				     .frames = frames,
				     .nframes = 3 };
}

Test(group, kind_error_and_frames_are_what_counts)
{
	struct ward_report report = one();
	uint64_t hash = dedup_hash(&report, false);

	cr_assert_neq(hash, 0);
	report.task = "another";
	report.what = report.message = "else";
	report.id = report.tid = report.worker = report.attempt = 9;
	cr_assert_eq(dedup_hash(&report, false), hash);
	report.kind = WARD_R_FAULT;
	cr_assert_neq(dedup_hash(&report, false), hash);
	report = one();
	report.err = -6;
	cr_assert_neq(dedup_hash(&report, false), hash);
	report = one();
	report.nframes = 2;
	cr_assert_neq(dedup_hash(&report, false), hash);
	report = one();
	report.frames = (void *[]){ frames[1], frames[0], frames[2] };
	cr_assert_neq(dedup_hash(&report, false), hash);
}

Test(group, without_frames_task_and_sentence_count)
{
	struct ward_report report = one();
	uint64_t hash;

	report.nframes = 0;
	hash = dedup_hash(&report, false);
	report.task = "tas";
	report.what = "kwhat";
	cr_assert_neq(dedup_hash(&report, false), hash);
	report = one();
	report.nframes = 0;
	report.what = "else";
	cr_assert_neq(dedup_hash(&report, false), hash);
}

Test(group, where_a_thread_was_interrupted_is_chance)
{
	struct ward_report report = one(), other = one();

	other.frames = (void *[]){ frames[2], frames[1], frames[2] };
	cr_assert_eq(dedup_hash(&report, true), dedup_hash(&other, true));
	cr_assert_neq(dedup_hash(&report, false), dedup_hash(&other, false));
	other.frames = (void *[]){ frames[0], frames[2], frames[2] };
	cr_assert_neq(dedup_hash(&report, true), dedup_hash(&other, true));
	report.nframes = other.nframes = 1; /* nothing but chance */
	other.frames = &frames[1];
	cr_assert_eq(dedup_hash(&report, true), dedup_hash(&other, true));
	other.task = "else";
	cr_assert_neq(dedup_hash(&report, true), dedup_hash(&other, true));
}

/* As the library's functions that call tasks. */
static dedup_floor __attribute__((noinline)) void *calls_a_task(void)
{
	return __builtin_extract_return_addr(__builtin_return_address(0));
}

static dedup_floor __attribute__((noinline)) void *floor_frame(void)
{
	void *frame = calls_a_task();

	return frame ? frame : (void *)1;
}

Test(group, ends_above_those_who_call_tasks)
{
	struct ward_report report = one(), other = one();
	void *calls = floor_frame();

	report.frames = (void *[]){ frames[0], calls, frames[1] };
	other.frames = (void *[]){ frames[0], calls, frames[2] };
	cr_assert_eq(dedup_hash(&report, false), dedup_hash(&other, false));
	other.nframes = 2;
	cr_assert_eq(dedup_hash(&report, false), dedup_hash(&other, false));
	other.frames = (void *[]){ frames[1], calls, frames[1] };
	cr_assert_neq(dedup_hash(&report, false), dedup_hash(&other, false));
}

/* ---- the count ------------------------------------------------------- */

enum { ROOM = 512 };

Test(group, each_hash_is_counted_for_itself)
{
	for (uint64_t n = 1; n <= 5; n++)
		for (uint64_t hash = 1; hash <= ROOM; hash++)
			cr_assert_eq(dedup_count(hash * 977), n);
}

Test(group, when_full_the_one_not_told_for_longest_begins_again)
{
	for (uint64_t hash = 1; hash <= ROOM; hash++)
		dedup_count(hash);
	cr_assert_eq(dedup_count(1), 2); /* now 2 is the oldest */
	cr_assert_eq(dedup_count(ROOM + 1), 1);
	cr_assert_eq(dedup_count(1), 3);
	cr_assert_eq(dedup_count(3), 2);
	cr_assert_eq(dedup_count(ROOM + 1), 2);
	cr_assert_eq(dedup_count(2), 1);
}
