/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/saved.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct saved *kept_of(size_t room)
{
	struct saved *saved = saved_create(room);

	cr_assert_not_null(saved);
	return saved;
}

static int nothing_there(struct saved *saved, uint64_t fence)
{
	char buf[8] = "as it is";
	size_t len = sizeof(buf);
	uint64_t seq = 99;
	int err = saved_read(saved, fence, buf, &len, &seq);

	cr_assert_eq(memcmp(buf, "as it is", 8), 0);
	cr_assert_eq(len, sizeof(buf));
	cr_assert_eq(seq, 99);
	return err;
}

static void has(struct saved *saved, uint64_t fence, const char *want,
		uint64_t number)
{
	char buf[64];
	size_t len = sizeof(buf);
	uint64_t seq = 99;

	memset(buf, '#', sizeof(buf));
	cr_assert_eq(saved_read(saved, fence, buf, &len, &seq), 0);
	cr_assert_eq(len, strlen(want));
	cr_assert_eq(memcmp(buf, want, len), 0);
	cr_assert_eq(buf[len], '#', "not a byte more");
	cr_assert_eq(seq, number);
}

#define keep(saved, fence, text, seq)                                          \
	saved_write(saved, fence, text, strlen(text), seq)

Test(saved, nothing_at_first)
{
	struct saved *saved = kept_of(8);

	cr_assert_eq(nothing_there(saved, 1), -ENODATA);
	cr_assert_eq(nothing_there(saved, 2), -ENODATA);
	saved_destroy(saved);
	saved_destroy(NULL);
}

Test(saved, what_was_written_last_is_read)
{
	struct saved *saved = kept_of(20);

	cr_assert_eq(keep(saved, 1, "one", 1), 0);
	has(saved, 1, "one", 1);
	cr_assert_eq(keep(saved, 1, "a longer one indeed.", 7), 0);
	has(saved, 1, "a longer one indeed.", 7);
	has(saved, 5, "a longer one indeed.", 7);
	cr_assert_eq(keep(saved, 5, "12345678", 3), 0);
	has(saved, 5, "12345678", 3);
	cr_assert_eq(keep(saved, 5, "", 0), 0);
	has(saved, 5, "", 0);
	saved_destroy(saved);
}

Test(saved, any_length_up_to_its_room)
{
	static const size_t room[] = { 0, 1, 7, 8, 9, 17, 4096, 1 << 20 };
	static char in[(1 << 20) + 1], out[(1 << 20) + 1];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 31 >> 3);
	for (int i = 0; i < 8; i++) {
		struct saved *saved = kept_of(room[i]);
		size_t len = sizeof(out);

		cr_assert_eq(saved_write(saved, 1, in, room[i] + 1, 1),
			     -EMSGSIZE);
		cr_assert_eq(nothing_there(saved, 1), -ENODATA);
		cr_assert_eq(saved_write(saved, 1, in, room[i], 1), 0);
		cr_assert_eq(saved_read(saved, 1, out, &len, NULL), 0);
		cr_assert_eq(len, room[i]);
		cr_assert_eq(memcmp(in, out, len), 0);
		saved_destroy(saved);
	}
}

Test(saved, too_little_room_is_told)
{
	struct saved *saved = kept_of(8);
	char buf[5] = "....";
	size_t len = 4;
	uint64_t seq = 99;

	cr_assert_eq(keep(saved, 1, "12345", 5), 0);
	cr_assert_eq(saved_read(saved, 1, buf, &len, &seq), -EMSGSIZE);
	cr_assert_eq(len, 5);
	cr_assert_str_eq(buf, "....");
	cr_assert_eq(seq, 99);
	cr_assert_eq(saved_read(saved, 1, buf, &len, &seq), 0);
	saved_destroy(saved);
}

Test(saved, a_higher_number_takes_it_over)
{
	struct saved *saved = kept_of(8);
	char buf[8];
	size_t len = 8;

	cr_assert_eq(keep(saved, 4, "old", 1), 0);
	has(saved, 9, "old", 1);
	cr_assert_eq(keep(saved, 4, "late", 2), -ESTALE, "by a read");
	cr_assert_eq(saved_read(saved, 4, buf, &len, NULL), -ESTALE);
	cr_assert_eq(len, 8);
	has(saved, 9, "old", 1);
	cr_assert_eq(keep(saved, 10, "new", 2), 0);
	cr_assert_eq(keep(saved, 9, "late", 2), -ESTALE, "by a write");
	has(saved, 10, "new", 2);
	saved_destroy(saved);
}

#if !UNDER_ASAN /* it ends a process that asks for so much */
Test(saved, where_there_is_no_memory)
{
	struct saved *saved = kept_of(SIZE_MAX / 2);

	cr_assert_eq(keep(saved, 1, "one", 1), -ENOMEM);
	cr_assert_eq(keep(saved, 1, "one", 1), -ENOMEM, "again and again");
	cr_assert_eq(nothing_there(saved, 1), -ENODATA);
	saved_destroy(saved);
	cr_assert_null(saved_create(SIZE_MAX));
}
#endif

/* Writers that are held inside of a write each have a copy. */
Test(saved, as_many_as_there_are_copies)
{
	struct saved *saved = kept_of(8);
	uint32_t held = 0;

	for (uint64_t seq = 1; held < SAVED_COPIES - 2; seq++) {
		cr_assert_eq(keep(saved, 1, "one", seq), 0);
		cr_assert_neq(stack_pop(&saved->free), STACK_NONE);
		held++;
	}
	cr_assert_eq(keep(saved, 1, "two", 200), 0, "two are left, one of use");
	cr_assert_eq(keep(saved, 1, "three", 201), 0);
	cr_assert_neq(stack_pop(&saved->free), STACK_NONE);
	cr_assert_eq(keep(saved, 1, "four", 202), -ENOMEM);
	has(saved, 1, "three", 201);
	saved_destroy(saved);
}

/* ---- threads --------------------------------------------------------- */

enum { THREADS = 4, TURNS = 4000, WORDS = 40 };

static struct saved *shared;
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
	if (saved_write(shared, fence, words, (seq % WORDS + 1) * 8, seq))
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
		int err = saved_read(shared, fence, words, &len, &seq);

		if (err == -ESTALE)
			continue;
		if (err == 0 ? !is_whole(words, len, seq) : err != -ENODATA)
			return arg;
		while (writes_on(fence, ++seq) && seq % 5)
			;
	}
	return NULL;
}

/* Each number was written once: no writer wrote over one that it had not read. */
Test(saved, among_threads_no_write_is_lost_and_none_is_late)
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
	cr_assert_eq(saved_read(shared, UINT64_MAX, words, &len, &seq), 0);
	cr_assert(is_whole(words, len, seq));
	cr_assert_gt(seq, 100);
	cr_assert_eq(seq, load_relaxed(&written));
	saved_destroy(shared);
}
