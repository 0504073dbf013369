/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.h - files below a directory, and nothing outside it.
 */
#ifndef HTTPD_FILES_H
#define HTTPD_FILES_H

struct request;

/*
 * Opens the directory to be served.  A descriptor, or a negative errno value;
 * -ENOSYS: the kernel has no openat2() (before 5.6), which is what keeps
 * clients inside.
 */
int files_open_root(const char *dir);

int files_run(struct request *req);

#endif
