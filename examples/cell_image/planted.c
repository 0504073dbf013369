/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * planted.c - files to decode: good ones, and ones that a decoder dies of.
 */
#include "image.h"

#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In this order, for good and bad ones share the cells. */
static const struct plan {
	const char *name, *bug; /* of decode.c; or NULL */
	uint32_t width, height;
	int type;
	enum { WHOLE, NO_ROWS, CUT, NO_PNG } how;
} plans[] = {
	{ "red.png", NULL, 32, 32, PNG_COLOR_TYPE_RGB, WHOLE },
	{ "spins.png", "spin", 8, 8, PNG_COLOR_TYPE_RGB, WHOLE },
	{ "grey.png", NULL, 200, 100, PNG_COLOR_TYPE_GRAY, WHOLE },
	{ "writes.png", "write", 8, 8, PNG_COLOR_TYPE_RGB, WHOLE },
	{ "veiled.png", NULL, 64, 48, PNG_COLOR_TYPE_RGB_ALPHA, WHOLE },
	{ "huge.png", NULL, 30000, 30000, PNG_COLOR_TYPE_RGB, NO_ROWS },
	{ "large.png", NULL, 1000, 700, PNG_COLOR_TYPE_RGB, WHOLE },
	{ "opens.png", "open", 8, 8, PNG_COLOR_TYPE_RGB, WHOLE },
	{ "cut.png", NULL, 100, 100, PNG_COLOR_TYPE_RGB, CUT },
	{ "exits.png", "exit", 8, 8, PNG_COLOR_TYPE_RGB, WHOLE },
	{ "text.png", NULL, 0, 0, 0, NO_PNG },
	{ "dot.png", NULL, 1, 1, PNG_COLOR_TYPE_RGB, WHOLE },
};

enum { PLANS = sizeof(plans) / sizeof(plans[0]) };

static int channels(int type)
{
	return type == PNG_COLOR_TYPE_GRAY ? 1 :
	       type == PNG_COLOR_TYPE_RGB  ? 3 :
					     4;
}

static void write_rows(png_structp png, const struct plan *plan)
{
	static uint8_t row[1000 * 4];
	int n = channels(plan->type);

	for (uint32_t x = 0; x < plan->width; x++)
		for (int k = 0; k < n; k++)
			row[x * (size_t)n + (size_t)k] = k ? (uint8_t)(60 * k) : 200;
	for (uint32_t y = 0; y < plan->height; y++)
		png_write_row(png, row);
	png_write_end(png, NULL);
}

static void write_png(FILE *file, const struct plan *plan)
{
	png_structp png =
		png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	png_text text = { .compression = PNG_TEXT_COMPRESSION_NONE,
			  .key = (char *)(uintptr_t)"Bug",
			  .text = (char *)(uintptr_t)plan->bug };

	png_init_io(png, file);
	png_set_IHDR(png, info, plan->width, plan->height, 8, plan->type,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		     PNG_FILTER_TYPE_DEFAULT);
	if (plan->bug)
		png_set_text(png, info, &text, 1);
	png_write_info(png, info);
	if (plan->how == NO_ROWS)
		png_write_chunk(png, (const uint8_t *)"IDAT", NULL, 0);
	else
		write_rows(png, plan);
	png_destroy_write_struct(&png, &info);
}

static bool plant(const char *path, const struct plan *plan)
{
	FILE *file = fopen(path, "w");
	bool well = file;

	if (!file)
		return false;
	if (plan->how == NO_PNG)
		fputs("This is no picture.\n", file);
	else
		write_png(file, plan);
	well = !fflush(file);
	if (plan->how == CUT)
		well = !ftruncate(fileno(file), ftell(file) / 2);
	return !fclose(file) && well;
}

char **planted(int *count)
{
	char **paths = calloc(PLANS + 1, sizeof(*paths));
	char *dir = strdup("/tmp/cell_image.XXXXXX");

	if (!paths || !dir || !mkdtemp(dir)) {
		perror("a folder in /tmp");
		return NULL;
	}
	for (int i = 0; i < PLANS; i++)
		if (asprintf(&paths[i], "%s/%s", dir, plans[i].name) < 0 ||
		    !plant(paths[i], &plans[i])) {
			perror(plans[i].name);
			return NULL;
		}
	paths[PLANS] = dir;
	*count = PLANS;
	return paths;
}

void planted_gone(char **paths, int count)
{
	for (int i = 0; i < count; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	rmdir(paths[count]);
	free(paths[count]);
	free(paths);
}
