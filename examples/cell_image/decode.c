/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decode.c - the decoder: it has no idea that it runs in a cell, and is trusted with
 * nothing.  libpng's own bugs are mended as they are found, so there are some here: a file
 * whose text "Bug" asks for one gets it.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct source {
	const uint8_t *at;
	size_t left;
	const char *error;
};

static void read_some(png_structp png, png_bytep to, size_t n)
{
	struct source *source = png_get_io_ptr(png);

	if (n > source->left)
		png_error(png, "it ends too soon");
	memcpy(to, source->at, n);
	source->at += n;
	source->left -= n;
}

static void failed(png_structp png, const char *text)
{
	struct source *source = png_get_error_ptr(png);

	source->error = text;
	png_longjmp(png, 1);
}

static void warned(png_structp png, const char *text)
{
	(void)png;
	(void)text;
}

/* ---- planted bugs ------------------------------------------------------------------- */

static void run_bug(const char *text)
{
	static volatile char table[16];
	volatile size_t far = (size_t)1 << 40;

	if (!strcmp(text, "spin"))
		for (;;)
			;
	if (!strcmp(text, "write"))
		table[far] = table[0];
	if (!strcmp(text, "open"))
		close(open("/etc/passwd", O_RDONLY));
	if (!strcmp(text, "exit"))
		_exit(7);
}

static void look_for_bugs(png_structp png, png_infop info)
{
	png_textp text;
	int n = 0;

	png_get_text(png, info, &text, &n);
	for (int i = 0; i < n; i++)
		if (!strcmp(text[i].key, "Bug"))
			run_bug(text[i].text);
}

/* ---- pixels -------------------------------------------------------------------------- */

/* All as eight bits of red, green, blue and opacity. */
static void unify(png_structp png, png_infop info)
{
	png_set_expand(png);
	png_set_strip_16(png);
	png_set_gray_to_rgb(png);
	png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
	png_set_interlace_handling(png);
	png_read_update_info(png, info);
}

static void average(const uint8_t *pixels, size_t n, uint8_t mean[4])
{
	uint64_t sum[4] = { 0 };

	for (size_t i = 0; i < 4 * n; i++)
		sum[i % 4] += pixels[i];
	for (int k = 0; k < 4; k++)
		mean[k] = (uint8_t)(sum[k] / n);
}

struct decoder {
	png_structp png;
	png_infop info;
	uint8_t *pixels;
	uint8_t **rows;
};

/* Whatever it says by png_error() ends in decode(), as -EBADMSG. */
static int read_picture(struct decoder *d, struct picture *picture)
{
	size_t stride;

	png_read_info(d->png, d->info);
	look_for_bugs(d->png, d->info);
	unify(d->png, d->info);
	picture->width = png_get_image_width(d->png, d->info);
	picture->height = png_get_image_height(d->png, d->info);
	stride = (size_t)picture->width * 4;
	d->pixels = malloc(stride * picture->height);
	d->rows = malloc(picture->height * sizeof(*d->rows));
	if (!d->pixels || !d->rows)
		return ward_fail(-ENOMEM, "%u x %u pixels are too many",
				 picture->width, picture->height);
	for (size_t y = 0; y < picture->height; y++)
		d->rows[y] = d->pixels + y * stride;
	png_read_image(d->png, d->rows);
	average(d->pixels, (size_t)picture->width * picture->height,
		picture->mean);
	return 0;
}

static int try_to(struct decoder *d, struct source *source, struct picture *picture)
{
	if (setjmp(png_jmpbuf(d->png)))
		return ward_fail(-EBADMSG, "%s", source->error);
	png_set_read_fn(d->png, source, read_some);
	png_set_user_limits(d->png, 1u << 20, 1u << 20);
	return read_picture(d, picture);
}

int decode(struct ward_request *request)
{
	struct source source = { request->in, request->in_size, "" };
	struct decoder d = { 0 };
	int err = -ENOMEM;

	d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, failed,
				       warned);
	d.info = d.png ? png_create_info_struct(d.png) : NULL;
	if (d.info)
		err = try_to(&d, &source, request->out);
	png_destroy_read_struct(&d.png, &d.info, NULL);
	free(d.pixels);
	free(d.rows);
	request->out_size = sizeof(struct picture);
	return err;
}
