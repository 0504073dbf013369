/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_page.c - memory that other processes may read: a file in memory, or a memfd.
 *
 * All of it is there from the start, so that no later write waits for a page, or finds
 * none.  A file on a disk is not taken: a write to it may wait for the disk.
 */
#include "base/host_inside.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* ---- where ------------------------------------------------------------------ */

/* Below it, or "" for itself: WARD_PUBLISH_DIR, XDG_RUNTIME_DIR, /run/user/UID. */
static const char *base_dir(char *room, size_t len, const char **below)
{
	const char *dir = secure_getenv("WARD_PUBLISH_DIR");

	*below = "";
	if (dir && *dir)
		return dir;
	*below = "/ward";
	dir = secure_getenv("XDG_RUNTIME_DIR");
	if (dir && *dir)
		return dir;
	snprintf(room, len, "/run/user/%u", (unsigned)geteuid());
	return room;
}

/* The user's own folder, in memory; it is made where only its last name is missing. */
static int open_dir(char *path, size_t len)
{
	char room[32];
	const char *below, *base = base_dir(room, sizeof(room), &below);
	struct statfs fs;
	int dir, err;

	if ((size_t)snprintf(path, len, "%s%s", base, below) >= len)
		return -ENAMETOOLONG;
	host_call(mkdir(path, 0700));
	dir = (int)host_call(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (dir < 0)
		return dir;
	err = (int)host_call(fstatfs(dir, &fs));
	if (!err && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
		err = -EXDEV;
	if (!err)
		return dir;
	host_close(dir);
	return err;
}

/* PID-NAME, PID-NAME-2...: the name of one page in the life of a process. */
static void file_name(char *to, size_t len, const char *name)
{
	static _Atomic uint32_t pages;
	uint32_t n = add_relaxed(&pages, 1) + 1;
	int at = snprintf(to, len, n > 1 ? "%d-%s-%u" : "%d-%s", host_pid(), name, n);

	for (int i = 0; i < at && to[i]; i++)
		if (to[i] == '/' || (unsigned char)to[i] <= ' ')
			to[i] = '_';
}

/*
 * A file of that name is a dead process's that had this number.  Nobody opens it for
 * writing later: if it were cut short, the next write to its pages would be a SIGBUS.
 */
static int create_in(int dir, const char *name)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = (int)host_call(openat(dir, name, flags, 0400));

	if (fd != -EEXIST)
		return fd;
	host_call(unlinkat(dir, name, 0));
	return (int)host_call(openat(dir, name, flags, 0400));
}

/* ---- made ------------------------------------------------------------------- */

static int fill(struct host_page *page, int fd)
{
	long err = host_call(fallocate(fd, 0, 0, (off_t)page->size));
	void *mem = MAP_FAILED;

	if (!err) {
		mem = mmap(NULL, page->size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_POPULATE, fd, 0);
		err = mem == MAP_FAILED ? -errno : 0;
	}
	if (err)
		return (int)err;
	/* A child has no part in it. */
	host_call(madvise(mem, page->size, MADV_DONTFORK));
	page->mem = mem;
	return 0;
}

static int make_file(struct host_page *page, const char *name)
{
	char dir_path[sizeof(page->path) - 64];
	int dir = open_dir(dir_path, sizeof(dir_path)), fd, err;
	char file[64];

	if (dir < 0)
		return dir;
	file_name(file, sizeof(file), name);
	fd = create_in(dir, file);
	err = fd < 0 ? fd : fill(page, fd);
	if (fd >= 0 && err)
		host_call(unlinkat(dir, file, 0));
	if (!err) {
		page->file = host_file_of(fd);
		page->file.fd = -1; /* known by its inode */
		snprintf(page->path, sizeof(page->path), "%s/%s", dir_path, file);
	}
	if (fd >= 0)
		host_close(fd);
	host_close(dir);
	return err;
}

/* Its descriptor stays, for it is found by that. */
static int make_memfd(struct host_page *page, const char *name)
{
	char title[32];
	int fd, err;

	snprintf(title, sizeof(title), "ward-%.16s", name);
	fd = (int)host_call(memfd_create(title, MFD_CLOEXEC | MFD_ALLOW_SEALING));
	if (fd < 0)
		return fd;
	err = fill(page, fd);
	if (err) {
		host_close(fd);
		return err;
	}
	host_call(fcntl(fd, F_ADD_SEALS, SEALS));
	page->file = host_file_of(fd);
	return 0;
}

int host_page_make(struct host_page *page, const char *name, size_t size, int *why)
{
	int saved = errno, cancel, err;

	*page = (struct host_page){ .size = size, .file.fd = -1,
				    .pid = host_pid() };
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	*why = err = make_file(page, name);
	if (err)
		err = make_memfd(page, name);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return err;
}

const char *host_program(void)
{
	return program_invocation_short_name;
}

/* ---- and gone --------------------------------------------------------------- */

void host_page_end(struct host_page *page)
{
	struct stat is;

	if (!page->mem || page->pid != host_pid())
		return;
	/* Another process may have its number, elsewhere, and have put its own there. */
	if (*page->path && !host_call(lstat(page->path, &is)) &&
	    is.st_ino == page->file.ino && is.st_dev == page->file.dev)
		host_call(unlink(page->path));
	*page->path = '\0';
}

void host_page_free(struct host_page *page)
{
	/* In a child that memory is not mapped, or is something else. */
	if (page->mem && page->pid == host_pid())
		munmap(page->mem, page->size);
	host_file_close(&page->file);
}
