/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_event.c - a descriptor that is readable, or is not: eventfd(2).
 *
 * The kernel has one inode for all eventfds, epolls and timers, so the inode tells ours
 * from files and sockets only.  A write to the others is refused; but they could be
 * closed by mistake, so close looks for an eventfd of the same number.  The kernel gives
 * numbers anew, too: a program's own eventfd may have taken the place of ours.
 */
#include "base/host_inside.h"
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NO_EVENT UINT64_MAX

/* The kernel's number of it; NO_EVENT; or 0 where that cannot be known. */
static uint64_t number_of(int fd)
{
	char name[16];
	uint64_t number;
	int found;

	snprintf(name, sizeof(name), "%d", fd);
	found = host_fd_says(name, "eventfd-id:", 10, &number);
	if (found < 0)
		return 0;
	return found ? number + 1 : NO_EVENT; /* the kernel's begin with 0 */
}

int host_event_open(struct host_file *event)
{
	int fd = (int)host_call(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

	if (fd < 0)
		return fd;
	*event = host_file_of(fd);
	event->number = number_of(fd);
	return 0;
}

/* An older kernel tells no numbers: then event->number is 0, too. */
void host_event_close(const struct host_file *event)
{
	uint64_t number = number_of(event->fd);

	if (host_file_own(event) &&
	    (!number || !event->number || number == event->number))
		host_close(event->fd);
}

void host_event_set(const struct host_file *event)
{
	uint64_t one = 1;

	/* It cannot fill, for it is set once for each time it is cleared; and a write
	 * that does not wait is not interrupted by signals. */
	if (host_file_own(event) &&
	    host_call(write(event->fd, &one, sizeof(one))) < 0)
		host_lack(HOST_NO_EVENT);
}

void host_event_clear(const struct host_file *event)
{
	uint64_t times;
	long got = 0;

	if (host_file_own(event))
		got = host_call(read(event->fd, &times, sizeof(times)));
	if (got < 0 && got != -EAGAIN)
		host_lack(HOST_NO_EVENT);
}
