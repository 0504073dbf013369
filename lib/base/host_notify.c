/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_notify.c - the service manager, by libsystemd.
 */
#include "base/host.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

int host_notify_known(void)
{
	return 0;
}

int host_notify(const char *state)
{
	int saved = errno;
	int got = sd_notify(0, state);

	errno = saved;
	return got < 0 ? got : 0;
}

uint64_t host_watchdog(void)
{
	uint64_t us = 0;

	if (sd_watchdog_enabled(0, &us) <= 0 || us > UINT64_MAX / 1000)
		return 0;
	return us * 1000;
}
