/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perturb.c - yields and short sleeps where the library goes to the kernel.
 *
 * A machine that is merely busy interrupts threads where it likes best.  These
 * stand before and behind every call of base/host that ends or begins a step of
 * a protocol (the linker's --wrap puts them there): one in 64 yields, one in
 * 2048 sleeps for up to 50 us.
 *
 * host_alloc and host_free are counted, for what is left at the end.
 */
#include "torture.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Atomic uint64_t allocated;

static __thread struct rng mine;

void perturb_seed(uint64_t seed)
{
	mine.state = seed;
}

/* No cancellation point, as nothing in the library may be one. */
void perturb(void)
{
	uint64_t draw = rng_next(&mine) >> 32;

	if (draw % 2048 == 0) {
		struct timespec nap = { 0, (long)(draw / 2048 % 50000) };

		syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &nap, NULL);
	} else if (draw % 64 == 0) {
		syscall(SYS_sched_yield);
	}
}

#define REAL(name) __real_##name
#define WRAP(name) __wrap_##name

uint64_t REAL(host_now)(void);
uint64_t WRAP(host_now)(void);
uint64_t WRAP(host_now)(void)
{
	perturb();
	return REAL(host_now)();
}

int REAL(host_wait)(_Atomic uint32_t *word, uint32_t seen, uint64_t until);
int WRAP(host_wait)(_Atomic uint32_t *word, uint32_t seen, uint64_t until);
int WRAP(host_wait)(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	int err;

	perturb();
	err = REAL(host_wait)(word, seen, until);
	perturb();
	return err;
}

void REAL(host_wake)(_Atomic uint32_t *word, int n);
void WRAP(host_wake)(_Atomic uint32_t *word, int n);
void WRAP(host_wake)(_Atomic uint32_t *word, int n)
{
	perturb();
	REAL(host_wake)(word, n);
	perturb();
}

void REAL(host_fence_heavy)(void);
void WRAP(host_fence_heavy)(void);
void WRAP(host_fence_heavy)(void)
{
	perturb();
	REAL(host_fence_heavy)();
	perturb();
}

void REAL(host_relax)(void);
void WRAP(host_relax)(void);
void WRAP(host_relax)(void)
{
	perturb();
	REAL(host_relax)();
}

void *REAL(host_alloc)(size_t size);
void *WRAP(host_alloc)(size_t size);
void *WRAP(host_alloc)(size_t size)
{
	void *mem = REAL(host_alloc)(size);

	if (mem)
		add_relaxed(&allocated, size);
	return mem;
}

void REAL(host_free)(void *mem, size_t size);
void WRAP(host_free)(void *mem, size_t size);
void WRAP(host_free)(void *mem, size_t size)
{
	if (mem)
		add_relaxed(&allocated, -(uint64_t)size);
	REAL(host_free)(mem, size);
}
