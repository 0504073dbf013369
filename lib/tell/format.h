/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h - a report as one line of text.
 */
#ifndef WARD_LIB_TELL_FORMAT_H
#define WARD_LIB_TELL_FORMAT_H

#include <stddef.h>
#include <ward/report.h>

/*
 * As ward_report_format().  Without 'names' it allocates nothing and takes no lock,
 * and frames are places in their objects.
 */
int format_line(const struct ward_report *report, char *buf, size_t len,
		bool names);

#endif
