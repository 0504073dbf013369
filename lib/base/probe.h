/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe.h - places where a tracer (bpftrace, perf, SystemTap, gdb) may look in: USDT
 * probes of the provider "ward".
 *
 * A probe is a no-op instruction, and a note in the file that says where it is and where
 * its arguments are, in registers or in memory as they lie there.  So on the way of a task
 * it is given what is at hand, and nothing that would be loaded for it.  docs/watching.md
 * has them, with their arguments: six at most, for bpftrace reads no more of them.  In the
 * simulator, and without sys/sdt.h, there are none.
 */
#ifndef WARD_LIB_BASE_PROBE_H
#define WARD_LIB_BASE_PROBE_H

#ifdef WARD_PROBES
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#define PROBE(name, ...) STAP_PROBEV(ward, name, __VA_ARGS__)
#else
#define PROBE(name, ...) ((void)0)
#endif

#endif
