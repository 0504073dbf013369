/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * range.h - the part of a file that a Range header asks for.
 */
#ifndef HTTPD_RANGE_H
#define HTTPD_RANGE_H

#include <sys/types.h>

enum range {
	RANGE_WHOLE,  /* none, or one that may be passed over: several, ... */
	RANGE_PART,   /* from..from+len */
	RANGE_OUTSIDE /* nothing of the file is in it */
};

/* 'text' may be NULL.  'from' and 'len' are changed for RANGE_PART only. */
enum range range_parse(const char *text, off_t size, off_t *from, off_t *len);

#endif
