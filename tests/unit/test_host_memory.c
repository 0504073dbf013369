/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"
#include "page.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(host_memory, memory_is_zero_and_on_a_line)
{
	static const size_t size[] = { 1,      63,     64,     65,	4096,
				       131071, 131072, 131073, 10000000 };

	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		for (int again = 0; again < 4; again++) {
			unsigned char *mem = host_alloc(size[i]);

			cr_assert_not_null(mem);
			cr_assert_eq((uintptr_t)mem % WARD_LINE, 0);
			for (size_t at = 0; at < size[i]; at++)
				cr_assert_eq(mem[at], 0);
			memset(mem, 0xff, size[i]);
			host_free(mem, size[i]);
		}
	}
}

Test(host_memory, memory_that_is_not_there_is_null)
{
	cr_assert_null(host_alloc(0));
	cr_assert_null(host_alloc(SIZE_MAX));
	cr_assert_null(host_alloc(SIZE_MAX - 62));
	host_free(NULL, 100);
	host_free(NULL, 10000000);
}

/* AddressSanitizer ends the process instead. */
#if !UNDER_ASAN
Test(host_memory, memory_that_runs_out_is_null)
{
	struct rlimit limit, before;
	void *mem;

	cr_assert_null(host_alloc(SIZE_MAX / 2));
	cr_assert_eq(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_AS, &limit);
	mem = host_alloc(100000000);
	setrlimit(RLIMIT_AS, &before);
	cr_assert_null(mem);
}
#endif

/* ---- pages ------------------------------------------------------------- */

#define FEW ((size_t)1 << 20) /* too little for huge pages */
#define MANY ((size_t)4 << 20)

static unsigned char *mapped(size_t size)
{
	unsigned char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(mem, MAP_FAILED);
	return mem;
}

/* The pages come, and what was there stays. */
static void all_come(size_t size)
{
	unsigned char *mem = mapped(size);
	uint64_t sum = 0;

	mem[5] = 1;
	mem[size - 1] = 2;
	cr_assert_lt(pages_there(mem, size), (long)pages_of(size));
	errno = 4711;
	host_populate(mem, size);
	cr_assert_eq(errno, 4711);
	cr_assert_eq(pages_there(mem, size), (long)pages_of(size));
	for (size_t at = 0; at < size; at++)
		sum += mem[at];
	cr_assert_eq(sum, 3);
	cr_assert_eq(mem[5], 1);
	cr_assert_eq(mem[size - 1], 2);
	munmap(mem, size);
}

static void nobody_waits(void)
{
	volatile unsigned char *mem = mapped(FEW);
	long faults;

	host_populate((void *)mem, FEW);
	faults = page_faults();
	for (size_t at = 0; at < FEW; at += 64)
		mem[at] = 1;
	faults = page_faults() - faults;
#if !SHADOWED
	cr_assert_eq(faults, 0);
#endif
	munmap((void *)mem, FEW);
}

Test(host_memory, every_page_comes_and_keeps_what_it_has)
{
	all_come(FEW);
	all_come(MANY);
	nobody_waits();
}

/* As on kernels before 5.14, or in a box. */
Test(host_memory, every_page_comes_where_the_kernel_is_not_to_be_asked)
{
	cr_assert(refuse_call(SYS_madvise, EINVAL));
	all_come(FEW);
	all_come(MANY);
	nobody_waits();
}

/* Not one before it, not one behind it. */
static void what_it_lies_on(size_t at, size_t size)
{
	unsigned char *mem = mapped(8 * page_size());
	size_t page = page_size(), first = at / page,
	       last = (at + size - 1) / page;

	host_populate(mem + at, size);
	for (size_t i = 0; i < 8; i++)
		cr_assert_eq(pages_there(mem + i * page, page),
			     i >= first && i <= last, "page %zu of %zu-%zu", i,
			     first, last);
	munmap(mem, 8 * page);
}

static void pieces(void)
{
	size_t page = page_size();

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* of any size */
	what_it_lies_on(page, page);
	what_it_lies_on(page, 64);
	what_it_lies_on(2 * page - 64, 64);
	what_it_lies_on(2 * page - 64, 128);
	what_it_lies_on(page + 64, 2 * page);
	what_it_lies_on(page + 128, 3 * page - 128);
}

Test(host_memory, pages_of_a_piece)
{
	pieces();
}

Test(host_memory, pages_of_a_piece_by_hand)
{
	cr_assert(refuse_call(SYS_madvise, EINVAL));
	pieces();
}
