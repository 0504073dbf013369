/* SPDX-License-Identifier: BSD-2-Clause */
/* user_nats.c - beside the README's program: libward-nats is there, and answers. */
#include <errno.h>
#include <stdlib.h>
#include <ward/nats.h>

__attribute__((constructor)) static void before_main(void)
{
	if (ward_nats_stats(NULL, NULL) != -EINVAL)
		abort();
}
