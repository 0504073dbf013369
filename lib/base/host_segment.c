/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_segment.c - memory that this process shares with one other: a memfd.
 *
 * All of its pages are there from the start, and it is sealed against another size: where
 * one side cuts it short, the other's next access would be a SIGBUS.
 */
#include "base/host_inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static int map(struct host_segment *segment, int fd)
{
	int where = segment->mem ? MAP_FIXED : 0; /* over the emptied one */
	void *mem = mmap(segment->mem, segment->size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | where, fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	/* A child is neither side of it. */
	madvise(mem, segment->size, MADV_DONTFORK);
	segment->mem = mem;
	segment->fd = fd;
	return 0;
}

static int make(struct host_segment *segment, int fd)
{
	if (fallocate(fd, 0, 0, (off_t)segment->size) ||
	    fcntl(fd, F_ADD_SEALS, SEALS))
		return -errno;
	return map(segment, fd);
}

int host_segment_make(struct host_segment *segment, const char *name, size_t size)
{
	int saved = errno, fd, err;
	char title[32];

	segment->size = size;
	segment->fd = -1;
	snprintf(title, sizeof(title), "ward-%.16s", name);
	fd = memfd_create(title, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	err = fd < 0 ? -errno : make(segment, fd);
	if (fd >= 0 && err)
		close(fd);
	errno = saved;
	return err;
}

int host_segment_take(struct host_segment *segment, int fd)
{
	int saved = errno, err;
	struct stat is;

	*segment = (struct host_segment){ .fd = -1 };
	err = fstat(fd, &is) ? -errno : 0;
	segment->size = err ? 0 : (size_t)is.st_size;
	if (!err)
		err = map(segment, fd);
	host_segment_close(segment);
	errno = saved;
	return err;
}

void host_segment_close(struct host_segment *segment)
{
	if (segment->fd >= 0)
		host_close(segment->fd);
	segment->fd = -1;
}

void host_segment_empty(struct host_segment *segment)
{
	int saved = errno;

	host_segment_close(segment);
	/* Refused: the pages stay, too. */
	if (mmap(segment->mem, segment->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) != MAP_FAILED)
		madvise(segment->mem, segment->size, MADV_DONTFORK);
	errno = saved;
}

void host_segment_free(struct host_segment *segment)
{
	host_segment_close(segment);
	if (segment->mem)
		munmap(segment->mem, segment->size);
	segment->mem = NULL;
}
