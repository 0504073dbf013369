/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_event.c - a descriptor that is readable, or is not: eventfd(2).
 */
#include "base/host.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int host_event_open(void)
{
	int saved = errno;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), err = -errno;

	errno = saved;
	return fd < 0 ? err : fd;
}

void host_event_close(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

void host_event_set(int fd)
{
	uint64_t one = 1;
	int saved = errno;

	/* It cannot fill: it is set once for each time it is cleared. */
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	errno = saved;
}

void host_event_clear(int fd)
{
	uint64_t times;
	int saved = errno;

	while (read(fd, &times, sizeof(times)) < 0 && errno == EINTR)
		;
	errno = saved;
}
