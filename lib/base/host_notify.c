/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_notify.c - the service manager: a datagram to the socket that it names in the
 * environment, as sd_notify(3) sends it.  The protocol is promised to stay as it is
 * (sd_notify(3), "Notes"), and this is all that is needed of it.
 */
#include "base/host.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or '@' and a name that is in no folder. */
static socklen_t address_of(struct sockaddr_un *to, const char *name)
{
	size_t len = strlen(name);

	if ((*name != '/' && *name != '@') || len < 2 ||
	    len >= sizeof(to->sun_path))
		return 0;
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(to->sun_path, name, len);
	if (*name == '@')
		to->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
			   (*name == '/'));
}

static int tell(const char *name, const char *state)
{
	struct sockaddr_un to;
	socklen_t len = address_of(&to, name);
	int fd, err = 0;

	if (!len)
		return -EAFNOSUPPORT;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		   (struct sockaddr *)&to, len) < 0)
		err = -errno;
	close(fd);
	return err;
}

int host_notify(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int saved = errno, cancel, err = 0;

	/* Sending is a cancellation point. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (name && *name)
		err = tell(name, state);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return err;
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

uint64_t host_watchdog(void)
{
	const char *whom = getenv("WATCHDOG_PID");
	uint64_t us = number(getenv("WATCHDOG_USEC"));

	if (whom && number(whom) != (uint64_t)getpid())
		return 0; /* it is another process that it waits for */
	return us > UINT64_MAX / 1000 ? 0 : us * 1000;
}
