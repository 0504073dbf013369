/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_notify_none.c - the service manager, where libsystemd was not there to build
 * with.
 */
#include "base/host.h"

#include <errno.h>

int host_notify_known(void)
{
	return -ENOSYS;
}

int host_notify(const char *state)
{
	(void)state;
	return -ENOSYS;
}

uint64_t host_watchdog(void)
{
	return 0;
}
