/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.h - a frame of a backtrace, in words.
 */
#ifndef WARD_LIB_TELL_FRAME_H
#define WARD_LIB_TELL_FRAME_H

#include "base/host_symbol.h"
#include "tell/text.h"

/* "parse+0x1a (json.c:33)"; false, and nothing put: it has no name. */
bool frame_symbol(struct text *out, void *frame, enum host_code what);
/* "app+0x1234" */
void frame_place(struct text *out, void *frame);

#endif
