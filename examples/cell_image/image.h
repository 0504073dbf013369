/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.h - what the parts of this example know of each other.
 */
#ifndef CELL_IMAGE_H
#define CELL_IMAGE_H

#include <stdint.h>
#include <ward/ward.h>

/* A cell's answer: what it has found in a file. */
struct picture {
	uint32_t width, height;
	uint8_t mean[4]; /* red, green, blue, opacity */
};

/* decode.c: in a cell, a PNG file's bytes > a struct picture. */
int decode(struct ward_request *request);
/* sandbox.c: in a cell, before its first call. */
int sandbox(void *arg, void **local);
/* planted.c: files, good ones and bad ones, in a new folder; their paths.  NULL: why not
 * stands on stderr. */
char **planted(int *count);
void planted_gone(char **paths, int count);

#endif
