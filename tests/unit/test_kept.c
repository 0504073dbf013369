/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/kept.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct kept *kept_of(size_t room)
{
	struct kept *kept = kept_create(room);

	cr_assert_not_null(kept);
	return kept;
}

static int nothing_there(struct kept *kept, uint64_t fence)
{
	char buf[8] = "as it is";
	size_t len = sizeof(buf);
	uint64_t seq = 99;
	int err = kept_read(kept, fence, buf, &len, &seq);

	cr_assert_eq(memcmp(buf, "as it is", 8), 0);
	cr_assert_eq(len, sizeof(buf));
	cr_assert_eq(seq, 99);
	return err;
}

static void has(struct kept *kept, uint64_t fence, const char *want,
		uint64_t number)
{
	char buf[64];
	size_t len = sizeof(buf);
	uint64_t seq = 99;

	memset(buf, '#', sizeof(buf));
	cr_assert_eq(kept_read(kept, fence, buf, &len, &seq), 0);
	cr_assert_eq(len, strlen(want));
	cr_assert_eq(memcmp(buf, want, len), 0);
	cr_assert_eq(buf[len], '#', "not a byte more");
	cr_assert_eq(seq, number);
}

#define keep(kept, fence, text, seq)                                           \
	kept_write(kept, fence, text, strlen(text), seq)

Test(kept, nothing_at_first)
{
	struct kept *kept = kept_of(8);

	cr_assert_eq(nothing_there(kept, 1), -ENODATA);
	cr_assert_eq(nothing_there(kept, 2), -ENODATA);
	kept_destroy(kept);
	kept_destroy(NULL);
}

Test(kept, what_was_written_last_is_read)
{
	struct kept *kept = kept_of(20);

	cr_assert_eq(keep(kept, 1, "one", 1), 0);
	has(kept, 1, "one", 1);
	cr_assert_eq(keep(kept, 1, "a longer one indeed.", 7), 0);
	has(kept, 1, "a longer one indeed.", 7);
	has(kept, 5, "a longer one indeed.", 7);
	cr_assert_eq(keep(kept, 5, "12345678", 3), 0);
	has(kept, 5, "12345678", 3);
	cr_assert_eq(keep(kept, 5, "", 0), 0);
	has(kept, 5, "", 0);
	kept_destroy(kept);
}

Test(kept, any_length_up_to_its_room)
{
	static const size_t room[] = { 0, 1, 7, 8, 9, 17, 4096, 1 << 20 };
	static char in[(1 << 20) + 1], out[(1 << 20) + 1];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 31 >> 3);
	for (int i = 0; i < 8; i++) {
		struct kept *kept = kept_of(room[i]);
		size_t len = sizeof(out);

		cr_assert_eq(kept_write(kept, 1, in, room[i] + 1, 1),
			     -EMSGSIZE);
		cr_assert_eq(nothing_there(kept, 1), -ENODATA);
		cr_assert_eq(kept_write(kept, 1, in, room[i], 1), 0);
		cr_assert_eq(kept_read(kept, 1, out, &len, NULL), 0);
		cr_assert_eq(len, room[i]);
		cr_assert_eq(memcmp(in, out, len), 0);
		kept_destroy(kept);
	}
}

Test(kept, too_little_room_is_told)
{
	struct kept *kept = kept_of(8);
	char buf[5] = "....";
	size_t len = 4;
	uint64_t seq = 99;

	cr_assert_eq(keep(kept, 1, "12345", 5), 0);
	cr_assert_eq(kept_read(kept, 1, buf, &len, &seq), -EMSGSIZE);
	cr_assert_eq(len, 5);
	cr_assert_str_eq(buf, "....");
	cr_assert_eq(seq, 99);
	cr_assert_eq(kept_read(kept, 1, buf, &len, &seq), 0);
	kept_destroy(kept);
}

Test(kept, a_higher_number_takes_it_over)
{
	struct kept *kept = kept_of(8);
	char buf[8];
	size_t len = 8;

	cr_assert_eq(keep(kept, 4, "old", 1), 0);
	has(kept, 9, "old", 1);
	cr_assert_eq(keep(kept, 4, "late", 2), -ESTALE, "by a read");
	cr_assert_eq(kept_read(kept, 4, buf, &len, NULL), -ESTALE);
	cr_assert_eq(len, 8);
	has(kept, 9, "old", 1);
	cr_assert_eq(keep(kept, 10, "new", 2), 0);
	cr_assert_eq(keep(kept, 9, "late", 2), -ESTALE, "by a write");
	has(kept, 10, "new", 2);
	kept_destroy(kept);
}

#if !UNDER_ASAN /* it ends a process that asks for so much */
Test(kept, where_there_is_no_memory)
{
	struct kept *kept = kept_of(SIZE_MAX / 2);

	cr_assert_eq(keep(kept, 1, "one", 1), -ENOMEM);
	cr_assert_eq(keep(kept, 1, "one", 1), -ENOMEM, "again and again");
	cr_assert_eq(nothing_there(kept, 1), -ENODATA);
	kept_destroy(kept);
	cr_assert_null(kept_create(SIZE_MAX));
}
#endif

/* Those who are held inside of a write each have a copy. */
Test(kept, as_many_as_there_are_copies)
{
	struct kept *kept = kept_of(8);
	uint32_t held = 0;

	for (uint64_t seq = 1; held < KEPT_COPIES - 2; seq++) {
		cr_assert_eq(keep(kept, 1, "one", seq), 0);
		cr_assert_neq(stack_pop(&kept->free), STACK_NONE);
		held++;
	}
	cr_assert_eq(keep(kept, 1, "two", 200), 0, "two are left, one of use");
	cr_assert_eq(keep(kept, 1, "three", 201), 0);
	cr_assert_neq(stack_pop(&kept->free), STACK_NONE);
	cr_assert_eq(keep(kept, 1, "four", 202), -ENOMEM);
	has(kept, 1, "three", 201);
	kept_destroy(kept);
}

/* ---- threads --------------------------------------------------------- */

enum { THREADS = 4, TURNS = 4000, WORDS = 40 };

static struct kept *shared;
static _Atomic uint64_t fences, written;

/* All words of one write are its number. */
static bool is_whole(const uint64_t *words, size_t len, uint64_t seq)
{
	for (size_t i = 0; i < len / 8; i++)
		if (words[i] != seq)
			return false;
	return len == (seq % WORDS + 1) * 8;
}

static bool writes_on(uint64_t fence, uint64_t seq)
{
	uint64_t words[WORDS];

	for (int i = 0; i < WORDS; i++)
		words[i] = seq;
	if (kept_write(shared, fence, words, (seq % WORDS + 1) * 8, seq))
		return false;
	add_relaxed(&written, 1);
	return true;
}

/* Each comes as another incarnation, and goes on until the next one comes. */
static void *successor(void *arg)
{
	for (int turn = 0; turn < TURNS; turn++) {
		uint64_t fence = add_relaxed(&fences, 1) + 1, seq = 0;
		uint64_t words[WORDS];
		size_t len = sizeof(words);
		int err = kept_read(shared, fence, words, &len, &seq);

		if (err == -ESTALE)
			continue;
		if (err == 0 ? !is_whole(words, len, seq) : err != -ENODATA)
			return arg;
		while (writes_on(fence, ++seq) && seq % 5)
			;
	}
	return NULL;
}

/* Each number was written once: nobody wrote over what he had not read. */
Test(kept, among_threads_no_write_is_lost_and_none_is_late)
{
	pthread_t thread[THREADS];
	uint64_t words[WORDS], seq = 0;
	size_t len = sizeof(words);
	void *wrong;

	shared = kept_of(sizeof(words));
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, successor, &shared);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &wrong);
		cr_assert_null(wrong);
	}
	cr_assert_eq(kept_read(shared, UINT64_MAX, words, &len, &seq), 0);
	cr_assert(is_whole(words, len, seq));
	cr_assert_gt(seq, 100);
	cr_assert_eq(seq, load_relaxed(&written));
	kept_destroy(shared);
}
