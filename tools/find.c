/* SPDX-License-Identifier: BSD-2-Clause */
#include "find.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the list ------------------------------------------------------------------------ */

static bool is_known(const struct finds *finds, const struct stat *is)
{
	struct stat other;

	for (size_t i = 0; i < finds->n; i++)
		if (!fstat(finds->found[i].fd, &other) &&
		    other.st_ino == is->st_ino && other.st_dev == is->st_dev)
			return true;
	return false;
}

static bool is_page(int fd)
{
	struct model model;
	int err = model_read(&model, fd);

	if (!err)
		model_free(&model);
	return err != -ENOMSG;
}

static int add(struct finds *finds, int fd, const char *path, int32_t pid)
{
	struct found *more = realloc(finds->found, (finds->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	finds->found = more;
	more[finds->n] = (struct found){ .fd = fd, .pid = pid };
	snprintf(more[finds->n].path, sizeof(more->path), "%s", path);
	finds->n++;
	return 0;
}

/* A file of this user's, or any for root: what others left is not believed. */
static int add_path(struct finds *finds, const char *path, int32_t pid)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = 0;
	struct stat is;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &is))
		err = -errno;
	else if (!S_ISREG(is.st_mode))
		err = -ENOMSG;
	else if (geteuid() && is.st_uid != geteuid())
		err = -EPERM;
	else if (is_known(finds, &is))
		err = -EEXIST;
	if (!err)
		err = add(finds, fd, path, pid);
	if (err)
		close(fd);
	return err == -EEXIST ? 0 : err;
}

int find_file(struct finds *finds, const char *path)
{
	return add_path(finds, path, 0);
}

/* The same if it is a page: what was looked for by its name alone. */
static void add_page(struct finds *finds, const char *path, int32_t pid)
{
	size_t n = finds->n;

	if (add_path(finds, path, pid) || finds->n == n)
		return;
	if (!is_page(finds->found[n].fd))
		close(finds->found[--finds->n].fd);
}

void find_free(struct finds *finds)
{
	for (size_t i = 0; i < finds->n; i++)
		close(finds->found[i].fd);
	free(finds->found);
	*finds = (struct finds){ .n = 0 };
}

/* ---- folders ----------------------------------------------------------------------- */

/* "PID-..." of that process, or of any (0). */
static bool is_of(const char *name, int32_t pid)
{
	char *end;
	long number = strtol(name, &end, 10);

	return end != name && *end == '-' && number > 0 && (!pid || number == pid);
}

static void in_dir(struct finds *finds, const char *dir, int32_t pid)
{
	DIR *open = opendir(dir);
	struct dirent *entry;
	char path[300];

	while (open && (entry = readdir(open)))
		if (is_of(entry->d_name, pid) &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", dir,
				     entry->d_name) < sizeof(path))
			add_page(finds, path, 0);
	if (open)
		closedir(open);
}

/* Root looks at all users'. */
static void in_run_user(struct finds *finds, int32_t pid)
{
	DIR *users = opendir("/run/user");
	struct dirent *entry;
	char dir[300], own[16];

	snprintf(own, sizeof(own), "%u", (unsigned)geteuid());
	while (users && (entry = readdir(users))) {
		if (*entry->d_name == '.' || (geteuid() && strcmp(entry->d_name, own)))
			continue;
		snprintf(dir, sizeof(dir), "/run/user/%s/ward", entry->d_name);
		in_dir(finds, dir, pid);
	}
	if (users)
		closedir(users);
}

static void in_dirs(struct finds *finds, int32_t pid)
{
	const char *dir = getenv("WARD_PUBLISH_DIR");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[300];

	if (dir && *dir)
		in_dir(finds, dir, pid);
	if (runtime && (size_t)snprintf(path, sizeof(path), "%s/ward", runtime) <
			       sizeof(path))
		in_dir(finds, path, pid);
	in_run_user(finds, pid);
}

/* ---- processes --------------------------------------------------------------------- */

/* Files that it has mapped, wherever its environment put them. */
static int in_maps(struct finds *finds, int32_t pid)
{
	char path[64], line[4096], file[300], root[400];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	if (!maps)
		return -errno;
	while (fgets(line, sizeof(line), maps)) {
		const char *name;

		if (sscanf(line, "%*s rw-s %*s %*s %*s %299[^\n]", file) != 1)
			continue;
		name = strrchr(file, '/');
		if (!name || !is_of(name + 1, 0))
			continue;
		snprintf(root, sizeof(root), "/proc/%d/root%s", pid, file);
		add_page(finds, root, pid);
	}
	fclose(maps);
	return 0;
}

/* A memfd of the process's own, not one that its parent left it. */
static bool is_its_own(const struct found *found, int32_t pid)
{
	struct model model;
	char path[64], line[256];
	long inside = pid;
	FILE *status;
	bool own;

	if (model_read(&model, found->fd))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, "NSpid:", 6))
			inside = strtol(strrchr(line, '\t') + 1, NULL, 10);
	if (status)
		fclose(status);
	own = model.page.pid == inside;
	model_free(&model);
	return own;
}

static int in_fds(struct finds *finds, int32_t pid)
{
	char dir[64], path[340], to[64];
	struct dirent *entry;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", pid);
	fds = opendir(dir);
	if (!fds)
		return -errno;
	while ((entry = readdir(fds))) {
		size_t n = finds->n;
		ssize_t len;

		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		len = readlink(path, to, sizeof(to) - 1);
		to[len > 0 ? len : 0] = '\0';
		if (strncmp(to, "/memfd:ward-", 12))
			continue;
		add_page(finds, path, pid);
		if (finds->n > n && !is_its_own(&finds->found[n], pid))
			close(finds->found[--finds->n].fd);
	}
	closedir(fds);
	return 0;
}

static int in_process(struct finds *finds, int32_t pid)
{
	int err = in_maps(finds, pid), other = in_fds(finds, pid);

	return err ? err : other;
}

int find_pid(struct finds *finds, int32_t pid)
{
	int err = in_process(finds, pid);

	if (!finds->n)
		in_dirs(finds, pid);
	return finds->n ? 0 : err;
}

void find_all(struct finds *finds)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		int32_t pid = (int32_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0)
			in_process(finds, pid);
	}
	if (proc)
		closedir(proc);
	in_dirs(finds, 0);
}

/* ---- alive? ------------------------------------------------------------------------ */

/* The n-th field, of which the second ends with the last bracket. */
static const char *stat_field(const char *stat, int n)
{
	const char *at = strrchr(stat, ')');

	for (int i = 2; at && i < n; i++) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	return at ? at : "";
}

/* Its start; 0: there is no such process, or it has ended and nobody waited for it. */
static uint64_t born(int32_t pid)
{
	char path[64], stat[1024];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	len = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[len] = '\0';
	/* The first thread of a process may end before the others. */
	if (*stat_field(stat, 3) == 'Z' && strtoul(stat_field(stat, 20), NULL, 10) < 2)
		return 0;
	return strtoull(stat_field(stat, 22), NULL, 10);
}

static bool same_boot(const char *boot)
{
	char id[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");

	if (!file)
		return true;
	if (!fgets(id, sizeof(id), file))
		*id = '\0';
	fclose(file);
	id[strcspn(id, "\n")] = '\0';
	return !*boot || !strcmp(boot, id);
}

enum fate fate_of(const struct model *model, const struct found *found)
{
	const struct ward_page *page = &model->page;
	uint64_t start;

	if (page->ended)
		return FATE_DESTROYED;
	start = born(found->pid ? found->pid : page->pid);
	if (!start || (page->born && page->born != start) || !same_boot(page->boot))
		return FATE_DEAD;
	return FATE_LIVES;
}
