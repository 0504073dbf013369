/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsan_ck.h - ck_pr on the compiler's atomics, for ThreadSanitizer alone; and
 * what else it does not see.
 *
 * ck's operations are inline assembly, which the sanitizer does not see, so it
 * would call a clean ring a race.  This header stands in for ck's own <ck_pr.h>
 * port: it is included before everything else (-include), together with
 * -DCK_USE_CC_BUILTINS=1, which keeps the assembly out.
 *
 * The sanitizer knows no fences, only orders on accesses: so here every load is
 * an acquire, every store a release, and every fence but the full one nothing
 * more than a compiler barrier.  That is what x86 does with them.  An order that
 * is missing on a weaker machine is for the simulator to find, not for this.
 */
#ifndef WARD_TESTS_TSAN_CK_H
#define WARD_TESTS_TSAN_CK_H

#ifdef CK_PR_H
#error "tsan_ck.h comes before <ck_pr.h>"
#endif

#include <ck_cc.h>
#include <ck_stdbool.h>
#include <ck_stdint.h>
#include <stddef.h>
#include <string.h>

#define CK_PR_GCC_H /* keeps ck's own port out; ours is here */
#define CK_F_PR
#include <gcc/ck_f_pr.h> /* "every operation is there" */

#define TSAN_CK CK_CC_INLINE static

/* ---- order without access -------------------------------------------------- */

TSAN_CK void ck_pr_barrier(void)
{
	__asm__ __volatile__("" ::: "memory");
}

TSAN_CK void ck_pr_stall(void)
{
	ck_pr_barrier();
}

#define TSAN_CK_BARRIER(what)                                                  \
	TSAN_CK void ck_pr_fence_strict_##what(void)                           \
	{                                                                      \
		ck_pr_barrier();                                               \
	}
#define TSAN_CK_FENCE(what)                                                    \
	TSAN_CK void ck_pr_fence_strict_##what(void)                           \
	{                                                                      \
		__asm__ __volatile__("lock; addl $0, -4(%%rsp)" ::: "memory"); \
	}

TSAN_CK_BARRIER(atomic)
TSAN_CK_BARRIER(atomic_atomic)
TSAN_CK_BARRIER(atomic_load)
TSAN_CK_BARRIER(atomic_store)
TSAN_CK_BARRIER(load_atomic)
TSAN_CK_BARRIER(store_atomic)
TSAN_CK_BARRIER(load)
TSAN_CK_BARRIER(load_load)
TSAN_CK_BARRIER(load_store)
TSAN_CK_BARRIER(store)
TSAN_CK_BARRIER(store_store)
TSAN_CK_BARRIER(acquire)
TSAN_CK_BARRIER(release)
TSAN_CK_BARRIER(acqrel)
TSAN_CK_BARRIER(lock)
TSAN_CK_BARRIER(unlock)
TSAN_CK_FENCE(store_load)
TSAN_CK_FENCE(memory)

/* ---- accesses ---------------------------------------------------------------- */

/* name, the type pointed to in the signature, the type of the value */
#define TSAN_CK_INTEGERS(each)                                                 \
	each(char, char, char)                                                 \
	each(int, int, int)                                                    \
	each(uint, unsigned int, unsigned int)                                 \
	each(8, uint8_t, uint8_t)                                              \
	each(16, uint16_t, uint16_t)                                           \
	each(32, uint32_t, uint32_t)                                           \
	each(64, uint64_t, uint64_t)

#define TSAN_CK_ACCESS(name, mem, type)                                        \
	TSAN_CK type ck_pr_md_load_##name(const mem *at)                       \
	{                                                                      \
		return __atomic_load_n(at, __ATOMIC_ACQUIRE);                  \
	}                                                                      \
	TSAN_CK void ck_pr_md_store_##name(mem *at, type value)                \
	{                                                                      \
		__atomic_store_n(at, value, __ATOMIC_RELEASE);                 \
	}
TSAN_CK_INTEGERS(TSAN_CK_ACCESS)

TSAN_CK void *ck_pr_md_load_ptr(const void *at)
{
	return __atomic_load_n((void *const *)at, __ATOMIC_ACQUIRE);
}

TSAN_CK void ck_pr_md_store_ptr(void *at, const void *value)
{
	__atomic_store_n((const void **)at, value, __ATOMIC_RELEASE);
}

TSAN_CK double ck_pr_md_load_double(const double *at)
{
	double value;

	__atomic_load(at, &value, __ATOMIC_ACQUIRE);
	return value;
}

TSAN_CK void ck_pr_md_store_double(double *at, double value)
{
	__atomic_store(at, &value, __ATOMIC_RELEASE);
}

/* ---- read, modify, write: all are full fences in ck, so they are here --------- */

/* As ck has it: '*was' is written whether or not the swap succeeded. */
#define TSAN_CK_CAS(name, mem, type)                                           \
	TSAN_CK bool ck_pr_cas_##name(mem *at, type seen, type value)          \
	{                                                                      \
		return __atomic_compare_exchange_n((type *)at, &seen, value,   \
						   0, __ATOMIC_SEQ_CST,        \
						   __ATOMIC_SEQ_CST);          \
	}                                                                      \
	TSAN_CK bool ck_pr_cas_##name##_value(mem *at, type seen, type value,  \
					      mem *was)                        \
	{                                                                      \
		bool won = __atomic_compare_exchange_n(                        \
			(type *)at, &seen, value, 0, __ATOMIC_SEQ_CST,         \
			__ATOMIC_SEQ_CST);                                     \
                                                                               \
		*(type *)was = seen;                                           \
		return won;                                                    \
	}
TSAN_CK_INTEGERS(TSAN_CK_CAS)
TSAN_CK_CAS(ptr, void, void *)

/* Operations that are left (fas, neg, btx, ...) ck_pr.h makes from these by itself. */
#define TSAN_CK_DO(op, how, name, mem, type)                                   \
	TSAN_CK void ck_pr_##op##_##name(mem *at, type value)                  \
	{                                                                      \
		(void)__atomic_fetch_##how((type *)at, value,                  \
					   __ATOMIC_SEQ_CST);                  \
	}
#define TSAN_CK_CHANGE(name, mem, type)                                        \
	TSAN_CK type ck_pr_faa_##name(mem *at, type value)                     \
	{                                                                      \
		return __atomic_fetch_add((type *)at, value,                   \
					  __ATOMIC_SEQ_CST);                   \
	}                                                                      \
	TSAN_CK_DO(add, add, name, mem, type)                                  \
	TSAN_CK_DO(sub, sub, name, mem, type)                                  \
	TSAN_CK_DO(and, and, name, mem, type)                                  \
	TSAN_CK_DO(or, or, name, mem, type)                                    \
	TSAN_CK_DO(xor, xor, name, mem, type)                                  \
	TSAN_CK void ck_pr_inc_##name(mem *at)                                 \
	{                                                                      \
		ck_pr_add_##name(at, (type)1);                                 \
	}                                                                      \
	TSAN_CK void ck_pr_dec_##name(mem *at)                                 \
	{                                                                      \
		ck_pr_sub_##name(at, (type)1);                                 \
	}
TSAN_CK_INTEGERS(TSAN_CK_CHANGE)
TSAN_CK_CHANGE(ptr, void, uintptr_t)

#include <ck_pr.h>

/* ---- ck_ring's own copy -------------------------------------------------------- */

/*
 * ck_ring copies a cell before it knows whether the cell is its own; the swap on
 * c_head decides, and a copy that lost is thrown away.  C calls that a race, so
 * the copy is made of relaxed atomic words here.
 */
TSAN_CK void *tsan_ck_copy(void *to, const void *from, size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;
	size_t i = 0;

	if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0)
		for (; i + 8 <= size; i += 8)
			__atomic_store_n(
				(uint64_t *)(void *)(t + i),
				__atomic_load_n(
					(const uint64_t *)(const void *)(f + i),
					__ATOMIC_RELAXED),
				__ATOMIC_RELAXED);
	for (; i < size; i++)
		__atomic_store_n(t + i,
				 __atomic_load_n(f + i, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	return to;
}

#define memcpy tsan_ck_copy
#include <ck_ring.h>
#undef memcpy

/* ---- what else it does not see --------------------------------------------------- */

#include <pthread.h>
#include <time.h>

/* ThreadSanitizer takes a thread joined by pthread_clockjoin_np() for one that still is. */
TSAN_CK int tsan_clockjoin(pthread_t thread, void **result, clockid_t clock,
			   const struct timespec *until)
{
	struct timespec now, at;
	long long ns;

	clock_gettime(clock, &now);
	clock_gettime(CLOCK_REALTIME, &at);
	ns = (until->tv_sec - now.tv_sec) * 1000000000ll + until->tv_nsec -
	     now.tv_nsec + at.tv_nsec;
	if (ns < 0)
		ns = 0;
	at.tv_sec += (time_t)(ns / 1000000000);
	at.tv_nsec = (long)(ns % 1000000000);
	return pthread_timedjoin_np(thread, result, &at);
}

#define pthread_clockjoin_np tsan_clockjoin

#endif
