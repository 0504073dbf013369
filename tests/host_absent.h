/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_absent.h - the functions of lib/base that both made-up hosts, the unit tests'
 * and the simulator's, answer with nothing.  Included once in a program.
 */
#ifndef WARD_TESTS_HOST_ABSENT_H
#define WARD_TESTS_HOST_ABSENT_H

#include "base/host.h"
#include "base/host_about.h"
#include "base/host_fault.h"
#include "base/host_near.h"
#include "base/host_symbol_none.c" /* as in a build without libdw */
#include <errno.h>

bool host_asymmetric;
__thread uint32_t host_holds;

/* ---- the process ----------------------------------------------------- */

_Atomic uint32_t host_generation, host_lacks_;

int host_init(void)
{
	return 0;
}

static void (*forked)(void *self);

void host_on_fork(void (*in_child)(void *self))
{
	forked = in_child;
}

int32_t host_pid(void)
{
	return 1;
}

const char *host_program(void)
{
	return "";
}

uint64_t host_born(int32_t tid)
{
	(void)tid;
	return 0;
}

/* ---- no page, and no look at what may be gone ------------------------- */

int host_page_make(struct host_page *page, const char *name, size_t size, int *why)
{
	(void)page;
	(void)name;
	(void)size;
	*why = -ENOSYS;
	return -ENOSYS;
}

void host_page_end(struct host_page *page)
{
	(void)page;
}

void host_page_free(struct host_page *page)
{
	(void)page;
}

bool host_peek(const void *at, void *to, size_t len)
{
	(void)at;
	(void)to;
	(void)len;
	return false;
}

void host_notify_close(const struct host_notify *manager)
{
	(void)manager;
}

/* ---- time: by the clock only ----------------------------------------- */

#if defined(__x86_64__)
bool host_counts;
__thread struct host_note host_note __attribute__((tls_model("initial-exec")));
#endif

uint64_t host_now_noted(const struct host_about *about)
{
	(void)about;
	return host_now();
}

/* ---- threads, and where they run ------------------------------------- */

uint64_t host_signals(void)
{
	return 0;
}

void host_escape(struct host_escape *escape, int why)
{
	_longjmp(escape->at, why);
}

bool host_step_up(struct host_step *was)
{
	(void)was;
	return false;
}

void host_step_down(const struct host_step *was)
{
	(void)was;
}

struct host_cpus *host_cpus_parse(const char *list)
{
	(void)list;
	return NULL;
}

void host_cpus_free(struct host_cpus *cpus)
{
	(void)cpus;
}

struct host_near *host_near_find(const struct host_cpus *cpus)
{
	(void)cpus;
	return NULL;
}

void host_near_free(struct host_near *near)
{
	(void)near;
}

uint32_t host_near_here(const struct host_near *near)
{
	(void)near;
	return HOST_NOWHERE;
}

void host_near_stay(const struct host_near *near, uint32_t which)
{
	(void)near;
	(void)which;
}

/* ---- evidence: what host_sample() knows -------------------------------- */

void host_stat_open(struct host_stat_files *eye, int32_t tid)
{
	*eye = host_stat_of(tid);
}

int host_sample_cpu(const struct host_stat_files *eye, struct host_sample *look)
{
	int err = host_sample(eye, look);

	look->state = 0;
	look->state_known = false;
	return err;
}

bool host_is_younger(int32_t tid, uint64_t than)
{
	(void)tid;
	(void)than;
	return false;
}

/* ---- faults: none ---------------------------------------------------- */

int host_fault_install(struct host_fault *(*catches)(void *self),
		       void (*caught)(void *self))
{
	(void)catches;
	(void)caught;
	return 0;
}

void *host_alt_stack_new(void)
{
	return NULL;
}

void host_alt_stack_free(void *stack)
{
	(void)stack;
}

void host_alt_stack_use(void *stack)
{
	(void)stack;
}

void host_alt_stack_leave(void)
{
}

/* ---- backtraces and names: none -------------------------------------- */

uint64_t host_trace_open(void)
{
	return 0;
}

void host_trace_here(struct host_trace *trace, const _Atomic uint64_t *word,
		     const struct host_life *life)
{
	(void)trace;
	(void)word;
	(void)life;
}

int host_trace_ask(struct host_trace *trace, int32_t tid, uint64_t epoch,
		   uint64_t until)
{
	(void)epoch;
	(void)trace;
	(void)tid;
	(void)until;
	return 0;
}

unsigned host_frames(void *const *at, void **frame, unsigned n,
		     bool (*end)(const void *frame), struct host_path *path)
{
	(void)at;
	(void)path;
	(void)frame;
	(void)n;
	(void)end;
	return 0;
}

const char *host_object(const void *code, uint64_t *offset)
{
	(void)code;
	*offset = 0;
	return "";
}

/* ---- words to nobody ------------------------------------------------- */

void host_write_stderr(const char *line, size_t len)
{
	(void)line;
	(void)len;
}

#endif
