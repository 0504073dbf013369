/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * find.h - which pages there are: of processes that live, and of those that have ended.
 */
#ifndef WARD_TOOLS_FIND_H
#define WARD_TOOLS_FIND_H

#include "model.h"

enum fate {
	FATE_LIVES,
	FATE_DESTROYED, /* the pool; in good order */
	FATE_DEAD	/* the process, and the page is what it left */
};

struct found {
	int fd;
	char path[300]; /* what it was opened by */
	int32_t pid; /* as this process sees it; 0: as the page says */
};

struct finds {
	struct found *found;
	size_t n;
};

/* Adds the pages of that process: 0, or why its files may not be looked at. */
int find_pid(struct finds *finds, int32_t pid);
/* Adds what there is: in the folders for pages, and in processes of the same user. */
void find_all(struct finds *finds);
/* Adds that file.  -EPERM: it is another user's; -ENOMSG: no file; or from open(). */
int find_file(struct finds *finds, const char *path);
void find_free(struct finds *finds);

enum fate fate_of(const struct model *model, const struct found *found);

#endif
