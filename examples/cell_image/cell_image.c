/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell_image - a decoder that nobody trusts.
 *
 *	cell_image [FILE.png...]
 *
 * Each file is a call: its bytes go to a cell, a few numbers come back.  A file that the
 * decoder dies of, spins on, or is made to misbehave by ends one process of a pool, and is
 * answered with why; all others are decoded.  Without files it makes some, good and bad.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST (256u << 10)
#define MEMORY (512u << 20) /* of a cell: addresses, those of this program among them */

/* One file, and what came of it. */
struct file {
	struct ward_call call;
	const char *name;
	int fd;
	int status;
	struct picture picture;
	char why[160];
};

static struct file *files;
static int many;

/* ---- a call ----------------------------------------------------------------------------- */

/* From the file straight into the cell's memory. */
static int fill(struct ward_call *call, void *to)
{
	struct file *file = ward_entry(call, struct file, call);
	ssize_t got = pread(file->fd, to, call->in_size, 0);

	return got == (ssize_t)call->in_size ? 0 : -EIO;
}

static void done(struct ward_call *call, int status)
{
	struct file *file = ward_entry(call, struct file, call);

	file->status = status;
	if (!status && call->out_size == sizeof(file->picture))
		memcpy(&file->picture, call->out, sizeof(file->picture));
	else if (!status)
		file->status = -EPROTO; /* a cell is not believed */
}

static void release(struct ward_call *call)
{
	close(ward_entry(call, struct file, call)->fd);
}

static int submit(struct ward_cells *cells, struct file *file, const char *path)
{
	struct stat is;
	int err;

	file->name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return -errno;
	if (fstat(file->fd, &is) || is.st_size > FILE_MOST) {
		close(file->fd);
		return -EFBIG;
	}
	file->call.in_size = (uint32_t)is.st_size;
	file->call.fill = fill;
	file->call.done = done;
	file->call.release = release;
	file->call.task.name = file->name;
	err = ward_cells_submit(cells, &file->call, WARD_FOREVER);
	if (err)
		close(file->fd);
	return err;
}

/* ---- why it failed ------------------------------------------------------------------------ */

/* By the scribe: what is known of a failure, in words. */
static void note(void *arg, const struct ward_report *report)
{
	const char *words = *report->message ? report->message : report->what;

	(void)arg;
	if (report->kind == WARD_R_SLOW) /* a warning */
		return;
	for (int i = 0; i < many; i++)
		if (files[i].name && !strcmp(files[i].name, report->task))
			snprintf(files[i].why, sizeof(files[i].why), "%s%s%s", words,
				 report->signo ? ": " : "",
				 report->signo ? strsignal(report->signo) : "");
}

static void show(const struct file *file)
{
	const struct picture *is = &file->picture;

	if (file->status)
		printf("%-10s  %s: %s\n", file->name, strerror(-file->status),
		       *file->why ? file->why : "not decoded");
	else
		printf("%-10s  %u x %u, mean #%02x%02x%02x, opacity %d %%\n",
		       file->name, is->width, is->height, is->mean[0],
		       is->mean[1], is->mean[2], is->mean[3] * 100 / 255);
}

/* ---- all of them --------------------------------------------------------------------------- */

static int make_cells(struct ward_cells **cells, struct ward_pool *pool)
{
	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;
	struct ward_cells_config config = WARD_CELLS_CONFIG_INIT;

	program.run = decode;
	program.start = sandbox;
	config.program = &program;
	config.cells = 2;
	config.depth = 16;
	config.in_max = FILE_MOST;
	config.out_max = sizeof(struct picture);
	config.memory = MEMORY;
	config.files = 8;
	config.recycle_growth = MEMORY / 4; /* should the decoder leak */
	config.name = "decoder";
	return ward_cells_create(cells, pool, &config);
}

static int decode_all(struct ward_pool *pool, char **paths)
{
	struct ward_cells_stats stats = WARD_CELLS_STATS_INIT;
	struct ward_cells *cells;
	int err = make_cells(&cells, pool);

	if (err)
		return err;
	for (int i = 0; i < many; i++) {
		err = submit(cells, &files[i], paths[i]);
		if (err)
			files[i].status = err;
	}
	err = ward_cells_drain(cells, WARD_FOREVER);
	ward_cells_stats(cells, &stats);
	fprintf(stderr, "cells: %llu were born, %llu died, %llu were killed\n",
		(unsigned long long)stats.born, (unsigned long long)stats.died,
		(unsigned long long)stats.killed);
	return err ? err : ward_cells_destroy(cells, ward_in(WARD_S(1)));
}

static int serve(char **paths)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_hooks hooks = { .report = note };
	struct ward_pool *pool;
	int err;

	policy.busy_within = WARD_MS(200); /* no sound file of 256 KiB takes so long */
	config.policy = &policy;
	config.hooks = &hooks;
	config.workers = 1;
	err = ward_pool_create(&pool, &config);
	if (err)
		return err;
	err = ward_pool_start(pool);
	if (!err)
		err = decode_all(pool, paths);
	ward_pool_destroy(pool, WARD_FOREVER); /* all is told then */
	return err;
}

int main(int argc, char **argv)
{
	char **paths = argv + 1;
	int err = ward_cell_zygote(); /* before all else */

	many = argc - 1;
	if (err || (!many && !(paths = planted(&many))))
		return 1;
	files = calloc((size_t)many, sizeof(*files));
	err = files ? serve(paths) : -ENOMEM;
	for (int i = 0; i < many && !err; i++)
		show(&files[i]);
	if (err)
		fprintf(stderr, "cell_image: %s\n", strerror(-err));
	if (paths != argv + 1)
		planted_gone(paths, many);
	free(files);
	return err != 0;
}
