/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept.c - kept.h at work.
 */
#include "flow/kept.h"
#include "base/host.h"
#include "sync/high.h"
#include <errno.h>
#include <string.h>

#define TURN_ONE (UINT64_C(1) << 32)

/* ---- copies ------------------------------------------------------------------- */

static size_t size_of_copy(const struct kept *kept)
{
	return sizeof(struct kept_copy) + (kept->room + 7) / 8 * 8;
}

static uint32_t get_copy(struct kept *kept)
{
	uint32_t i = stack_pop(&kept->free);

	if (i == STACK_NONE || kept->copy[i])
		return i;
	kept->copy[i] = host_alloc(size_of_copy(kept));
	if (kept->copy[i])
		return i;
	stack_push(&kept->free, i);
	return STACK_NONE;
}

/* Word by word, for it may be read by who has been replaced [p]. */
static void fill(struct kept_copy *copy, const char *buf, size_t len,
		 uint64_t seq)
{
	store_release(&copy->seq, seq);
	store_release(&copy->len, len);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, buf + i, len - i < 8 ? len - i : 8);
		store_release(&copy->bytes[i / 8], word);
	}
}

static void fetch(const struct kept_copy *copy, char *buf, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = load_acquire(&copy->bytes[i / 8]);

		memcpy(buf + i, &word, len - i < 8 ? len - i : 8);
	}
}

/* ---- the word ------------------------------------------------------------------ */

/* The same copy; swaps that were prepared before fail. */
static uint64_t turn(struct kept *kept)
{
	uint64_t word = load_acquire(&kept->word);

	while (!cas_acq_rel(&kept->word, &word, word + TURN_ONE)) /* [v] */
		;
	return word + TURN_ONE;
}

/* The word as only who has this number, or a higher one, may change it. */
static int claim(struct kept *kept, uint64_t fence, uint64_t *word)
{
	*word = load_acquire(&kept->word); /* [v] */
	if (load_acquire(&kept->owner) < fence) {
		high_raise(&kept->owner, fence);
		*word = turn(kept);
	}
	return load_acquire(&kept->owner) > fence ? -ESTALE : 0;
}

/* Again and again, for one who was late to take over may turn the word once. */
static int publish(struct kept *kept, uint64_t fence, uint64_t word, uint32_t i)
{
	int err = 0;

	while (!err) {
		uint64_t next = ((word >> 32) + 1) << 32 | (i + 1);

		if (cas_acq_rel(&kept->word, &word, next)) { /* [v] */
			if ((uint32_t)word)
				stack_push(&kept->free, (uint32_t)word - 1);
			return 0;
		}
		err = claim(kept, fence, &word);
	}
	stack_push(&kept->free, i);
	return err;
}

int kept_write(struct kept *kept, uint64_t fence, const void *buf, size_t len,
	       uint64_t seq)
{
	uint64_t word;
	uint32_t i;
	int err;

	if (len > kept->room)
		return -EMSGSIZE;
	err = claim(kept, fence, &word);
	if (err)
		return err;
	i = get_copy(kept);
	if (i == STACK_NONE)
		return -ENOMEM;
	fill(kept->copy[i], buf, len, seq);
	return publish(kept, fence, word, i);
}

int kept_read(struct kept *kept, uint64_t fence, void *buf, size_t *len,
	      uint64_t *seq)
{
	const struct kept_copy *copy;
	uint64_t word, size, number;
	int err;

	do {
		err = claim(kept, fence, &word);
		if (err)
			return err;
		if (!(uint32_t)word)
			return -ENODATA;
		copy = kept->copy[(uint32_t)word - 1];
		size = load_acquire(&copy->len);
		number = load_acquire(&copy->seq);
		if (size <= *len)
			fetch(copy, buf, size);
	} while (load_relaxed(&kept->word) != word); /* [p] */
	err = size <= *len ? 0 : -EMSGSIZE;
	*len = size;
	if (!err && seq)
		*seq = number;
	return err;
}

/* ---- all of it ------------------------------------------------------------------ */

struct kept *kept_create(size_t room)
{
	struct kept *kept;

	if (room > SIZE_MAX / 2)
		return NULL;
	kept = host_alloc(sizeof(*kept));
	if (!kept)
		return NULL;
	kept->room = room;
	stack_init(&kept->free, kept->below);
	for (uint32_t i = KEPT_COPIES; i--;)
		stack_push(&kept->free, i);
	return kept;
}

void kept_destroy(struct kept *kept)
{
	if (!kept)
		return;
	for (uint32_t i = 0; i < KEPT_COPIES; i++)
		host_free(kept->copy[i], size_of_copy(kept));
	host_free(kept, sizeof(*kept));
}
