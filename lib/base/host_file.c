/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_file.c - files without cancellation points, and descriptors that may be
 * the program's by now.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int host_open(const char *path)
{
	return (int)host_call(
		syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0));
}

void host_close(int fd)
{
	long got = host_call(syscall(SYS_close, fd));

	if (got < 0 && got != -EBADF)
		host_lack(HOST_NO_CLOSE);
}

/* 0 or -errno. */
static int identify(int fd, struct host_file *file)
{
	struct stat is = { .st_size = 0 };
	int err = (int)host_call(fstat(fd, &is));

	*file = (struct host_file){ .fd = fd, .dev = is.st_dev, .ino = is.st_ino };
	return err;
}

struct host_file host_file_of(int fd)
{
	struct host_file file = { .fd = fd };

	if (fd >= 0)
		identify(fd, &file);
	return file;
}

/* Where the kernel does not say, it is taken for ours: else all would leak. */
bool host_file_own(const struct host_file *file)
{
	struct host_file now;
	int err;

	if (file->fd < 0)
		return false;
	err = identify(file->fd, &now);
	if (err || !file->ino)
		return err != -EBADF;
	return now.dev == file->dev && now.ino == file->ino;
}

void host_file_close(const struct host_file *file)
{
	if (host_file_own(file))
		host_close(file->fd);
}

ssize_t host_read(int fd, char *buf, size_t len)
{
	long got = host_call(syscall(SYS_pread64, fd, buf, len - 1, 0, 0, 0));

	buf[got > 0 ? got : 0] = '\0';
	return got;
}

ssize_t host_read_path(const char *path, char *buf, size_t len)
{
	int fd = host_open(path);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = host_read(fd, buf, len);
	host_close(fd);
	return got;
}

ssize_t host_read_in(const char *dir, const char *file, char *buf, size_t len)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return host_read_path(path, buf, len);
}

int host_fd_says(const char *fd, const char *key, int base, uint64_t *number)
{
	char path[64], info[512];
	const char *at;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%.20s", fd);
	if (host_read_path(path, info, sizeof(info)) <= 0)
		return -1;
	at = strstr(info, key);
	if (!at)
		return 0;
	*number = strtoull(at + strlen(key), NULL, base);
	return 1;
}
