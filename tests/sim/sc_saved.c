/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_saved.c - checkpoints: whole or not at all, none lost, none late.
 */
#include "base/host.h"
#include "flow/saved.h"
#include "sim.h"
#include <errno.h>

#define WRITERS 3
#define WORDS 2

static struct saved *saved;
static uint32_t written;

static offstage void it_wrote(void)
{
	written++;
}

static void set_up(void)
{
	written = 0;
	saved = saved_create(WORDS * 8);
	check(saved);
	sim_name((void *)(uintptr_t)&saved->word, "kept.word");
	sim_name((void *)(uintptr_t)&saved->owner, "kept.owner");
	sim_name((void *)(uintptr_t)&saved->free.top, "kept.free");
}

/* The last number that was written, and each of its words; 0: nothing was. */
static int reads(uint64_t fence, uint64_t *seq)
{
	uint64_t words[WORDS];
	size_t len = sizeof(words);
	int err = saved_read(saved, fence, words, &len, seq);

	if (err == -ENODATA)
		*seq = 0;
	if (err)
		return err == -ENODATA ? 0 : err;
	check(len == sizeof(words));
	for (int i = 0; i < WORDS; i++)
		check(words[i] == *seq);
	return 0;
}

static int writes(uint64_t fence, uint64_t seq)
{
	uint64_t words[WORDS];
	int err;

	for (int i = 0; i < WORDS; i++)
		words[i] = seq;
	err = saved_write(saved, fence, words, sizeof(words), seq);
	if (!err)
		it_wrote();
	return err;
}

/* Goes on from what is there; the next writer may come at any time. */
static void incarnation(void *arg)
{
	uint64_t fence = (uintptr_t)arg, seq, again;
	int err = reads(fence, &seq);

	for (int i = 0; !err && i < 2; i++) {
		err = writes(fence, ++seq);
		if (!err)
			err = reads(fence, &again);
		check(err || again == seq);
	}
	check(err == 0 || err == -ESTALE);
	check(err == 0 || fence < WRITERS);
}

static void at_the_end(void)
{
	uint64_t seq;

	check(reads(WRITERS + 1, &seq) == 0);
	if (sim_stopped() < 0)
		check(seq == written);
	else
		check(seq == written || seq == written + 1);
	check(seq >= 2 || sim_stopped() == WRITERS);
}

static void kept_over(void)
{
	host_thread t[WRITERS];

	set_up();
	for (uintptr_t i = 0; i < WRITERS; i++)
		check(!host_spawn(&t[i], NULL, incarnation, NULL,
				  (void *)(i + 1)));
	for (int i = 0; i < WRITERS; i++)
		host_join(t[i], HOST_FOREVER);
	at_the_end();
	saved_destroy(saved);
	check(sim_stopped() >= 0 || sim_unfreed() == 0);
}
SCENARIO(kept_over, "a checkpoint is torn, lost, or comes after the successor",
	 .bound = 1, .stop = 0xe, .share = 2);
