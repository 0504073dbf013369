/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/saved.h"
#include "base/host.h"
#include <errno.h>
#include <string.h>

#define GEN_ONE (UINT64_C(1) << 32)

/* ---- copies ---------------------------------------------------------------------- */

static size_t size_of_copy(const struct saved *saved)
{
	return sizeof(struct saved_copy) + (saved->room + 7) / 8 * 8;
}

static uint32_t get_copy(struct saved *saved)
{
	uint32_t i = stack_pop(&saved->free);

	if (i == STACK_NONE || saved->copy[i])
		return i;
	saved->copy[i] = host_alloc(size_of_copy(saved));
	if (saved->copy[i])
		return i;
	stack_push(&saved->free, i);
	return STACK_NONE;
}

/* Word by word: a reader that was replaced may be at it [p]. */
static void fill(struct saved_copy *copy, const char *buf, size_t len,
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

static void fetch(const struct saved_copy *copy, char *buf, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = load_acquire(&copy->bytes[i / 8]);

		memcpy(buf + i, &word, len - i < 8 ? len - i : 8);
	}
}

/* ---- the word -------------------------------------------------------------------- */

/* The same copy; swaps that were prepared before fail. */
static uint64_t next_gen(struct saved *saved)
{
	uint64_t word = load_acquire(&saved->word);

	while (!cas_acq_rel(&saved->word, &word, word + GEN_ONE)) /* [v] */
		;
	return word + GEN_ONE;
}

/* The word, as only this number, or a higher one, may change it. */
static int claim(struct saved *saved, uint64_t fence, uint64_t *word)
{
	*word = load_acquire(&saved->word); /* [v] */
	if (load_acquire(&saved->owner) < fence) {
		high_raise(&saved->owner, fence);
		*word = next_gen(saved);
	}
	return load_acquire(&saved->owner) > fence ? -ESTALE : 0;
}

/* Again and again: a writer that was late to take over may change the word once. */
static int publish(struct saved *saved, uint64_t fence, uint64_t word,
		   uint32_t i)
{
	int err = 0;

	while (!err) {
		uint64_t next = ((word >> 32) + 1) << 32 | (i + 1);

		if (cas_acq_rel(&saved->word, &word, next)) { /* [v] */
			if ((uint32_t)word)
				stack_push(&saved->free, (uint32_t)word - 1);
			return 0;
		}
		err = claim(saved, fence, &word);
	}
	stack_push(&saved->free, i);
	return err;
}

int saved_write(struct saved *saved, uint64_t fence, const void *buf,
		size_t len, uint64_t seq)
{
	uint64_t word;
	uint32_t i;
	int err;

	if (len > saved->room)
		return -EMSGSIZE;
	err = claim(saved, fence, &word);
	if (err)
		return err;
	i = get_copy(saved);
	if (i == STACK_NONE)
		return -ENOMEM;
	fill(saved->copy[i], buf, len, seq);
	return publish(saved, fence, word, i);
}

int saved_read(struct saved *saved, uint64_t fence, void *buf, size_t *len,
	       uint64_t *seq)
{
	const struct saved_copy *copy;
	uint64_t word, size, number;
	int err;

	do {
		err = claim(saved, fence, &word);
		if (err)
			return err;
		if (!(uint32_t)word)
			return -ENODATA;
		copy = saved->copy[(uint32_t)word - 1];
		size = load_acquire(&copy->len);
		number = load_acquire(&copy->seq);
		if (size <= *len)
			fetch(copy, buf, size);
	} while (load_relaxed(&saved->word) != word); /* [p] */
	err = size <= *len ? 0 : -EMSGSIZE;
	*len = size;
	if (!err && seq)
		*seq = number;
	return err;
}

/* ---- all of it ------------------------------------------------------------------- */

struct saved *saved_create(size_t room)
{
	struct saved *saved;

	if (room > SIZE_MAX / 2)
		return NULL;
	saved = host_alloc(sizeof(*saved));
	if (!saved)
		return NULL;
	saved->room = room;
	stack_init(&saved->free, saved->below);
	for (uint32_t i = SAVED_COPIES; i--;)
		stack_push(&saved->free, i);
	return saved;
}

void saved_destroy(struct saved *saved)
{
	if (!saved)
		return;
	for (uint32_t i = 0; i < SAVED_COPIES; i++)
		host_free(saved->copy[i], size_of_copy(saved));
	host_free(saved, sizeof(*saved));
}
