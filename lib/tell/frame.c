/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.c - see frame.h, and ward_frame_format().
 */
#include "tell/frame.h"
#include <errno.h>
#include <string.h>
#include <ward/report.h>

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void frame_place(struct text *out, void *frame)
{
	uint64_t offset;
	const char *object = host_object(frame, &offset);

	if (*object) {
		text_escaped(out, base(object));
		text_char(out, '+');
	}
	text_hex(out, *object ? offset : (uintptr_t)frame);
}

/* Without a line, the object says at least whose function it is. */
bool frame_symbol(struct text *out, void *frame, enum host_code what)
{
	struct host_symbol symbol;
	uint64_t offset;

	if (!host_symbol(frame, what, &symbol))
		return false;
	if (*symbol.name) {
		text_escaped(out, symbol.name);
		text_char(out, '+');
		text_hex(out, symbol.offset);
	} else {
		frame_place(out, frame);
	}
	text_put(out, " (");
	if (*symbol.file) {
		text_escaped(out, symbol.file);
		text_char(out, ':');
		text_number(out, symbol.line, 1);
	} else {
		text_escaped(out, base(host_object(frame, &offset)));
	}
	text_char(out, ')');
	return true;
}

int ward_frame_format(void *frame, char *buf, size_t len)
{
	struct text out = { .buf = buf, .len = len };

	if (!buf && len > 0)
		return -EINVAL;
	if (!frame_symbol(&out, frame, HOST_CODE_UNKNOWN))
		frame_place(&out, frame);
	return text_end(&out);
}
