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
#include "../wrap.h"

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

WRAPPED(host_now);
uint64_t __wrap_host_now(void)
{
	perturb();
	return __real_host_now();
}

WRAPPED(host_wait);
int __wrap_host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	int err;

	perturb();
	err = __real_host_wait(word, seen, until);
	perturb();
	return err;
}

WRAPPED(host_wake);
void __wrap_host_wake(_Atomic uint32_t *word, int n)
{
	perturb();
	__real_host_wake(word, n);
	perturb();
}

WRAPPED(host_barrier_heavy);
bool __wrap_host_barrier_heavy(void)
{
	bool ordered;

	perturb();
	ordered = __real_host_barrier_heavy();
	perturb();
	return ordered;
}

WRAPPED(host_relax);
void __wrap_host_relax(void)
{
	perturb();
	__real_host_relax();
}

WRAPPED(host_alloc);
void *__wrap_host_alloc(size_t size)
{
	void *mem = __real_host_alloc(size);

	if (mem)
		add_relaxed(&allocated, size);
	return mem;
}

WRAPPED(host_free);
void __wrap_host_free(void *mem, size_t size)
{
	if (mem)
		add_relaxed(&allocated, -(uint64_t)size);
	__real_host_free(mem, size);
}
