/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_notify.c - the service manager: datagrams to the socket that it names in the
 * environment, as sd_notify(3) sends them.  The protocol is promised to stay as it is
 * (sd_notify(3), "Notes"), and this is all that is needed of it.
 *
 * The descriptor is kept: a process that has spent its descriptors, or that may open no
 * socket any more, is still to be heard.  If the program closes it, each datagram has one
 * of its own.
 */
#include "base/host_inside.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or '@' and a name that is in no folder.  0: neither. */
static uint32_t address_of(struct sockaddr_un *to, const char *name)
{
	size_t len = strlen(name);

	if ((*name != '/' && *name != '@') || len < 2 ||
	    len >= sizeof(to->sun_path))
		return 0;
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(to->sun_path, name, len);
	if (*name == '@')
		to->sun_path[0] = '\0';
	return (uint32_t)(offsetof(struct sockaddr_un, sun_path) + len +
			  (*name == '/'));
}

static int open_socket(void)
{
	return (int)host_call(
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/* Digits and nothing else; 0: it is no such number. */
static uint64_t number(const char *text)
{
	uint64_t n = 0;

	if (!text || !*text)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > UINT64_MAX / 10 - 1)
			return 0;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	return n;
}

static uint64_t watchdog(void)
{
	const char *whom = getenv("WATCHDOG_PID");
	uint64_t us = number(getenv("WATCHDOG_USEC"));

	if (whom && number(whom) != (uint64_t)getpid())
		return 0; /* it is another process that it waits for */
	return us > UINT64_MAX / 1000 ? 0 : us * 1000;
}

int host_notify_open(struct host_notify *manager)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int fd;

	_Static_assert(sizeof(manager->address) >= sizeof(struct sockaddr_un),
		       "room for an address");
	*manager = (struct host_notify){ .socket.fd = -1 };
	if (!name || !*name)
		return -ENOENT;
	manager->watchdog = watchdog();
	manager->len = address_of((struct sockaddr_un *)&manager->address, name);
	if (!manager->len)
		return -EAFNOSUPPORT;
	fd = open_socket();
	manager->socket = host_file_of(fd);
	return fd < 0 ? fd : 0;
}

void host_notify_close(const struct host_notify *manager)
{
	host_file_close(&manager->socket);
}

int host_notify_send(const struct host_notify *manager, const char *state)
{
	bool kept = host_file_own(&manager->socket);
	int fd = kept ? manager->socket.fd : open_socket();
	long sent = fd;

	/* By a call of the kernel's: libc's is a cancellation point. */
	if (fd >= 0)
		sent = host_call(syscall(SYS_sendto, fd, state, strlen(state),
					 MSG_NOSIGNAL | MSG_DONTWAIT,
					 &manager->address, manager->len));
	if (!kept && fd >= 0)
		host_close(fd);
	return sent < 0 ? (int)sent : 0;
}
