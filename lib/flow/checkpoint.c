/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checkpoint.c - bytes from one incarnation to the next (saved.h), by the fence number
 * of the incarnation that the caller is inside of.
 */
#include "flow/ward.h"
#include <errno.h>

static int here(struct saved **saved, uint64_t *fence)
{
	const struct incarnation *it = incarnation_here();

	if (!it || !it->ward->saved)
		return -EPERM;
	*saved = it->ward->saved;
	return ward_fence(fence);
}

int ward_checkpoint(const void *buf, size_t len, uint64_t seq)
{
	struct saved *saved;
	uint64_t fence;
	int err;

	if (!buf)
		return -EINVAL;
	err = here(&saved, &fence);
	return err ? err : saved_write(saved, fence, buf, len, seq);
}

int ward_resume(void *buf, size_t *len, uint64_t *seq)
{
	struct saved *saved;
	uint64_t fence;
	int err;

	if (!buf || !len)
		return -EINVAL;
	err = here(&saved, &fence);
	return err ? err : saved_read(saved, fence, buf, len, seq);
}
