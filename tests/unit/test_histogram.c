/* SPDX-License-Identifier: BSD-2-Clause */
#include "sync/histogram.h"
#include <criterion/criterion.h>
#include <pthread.h>

Test(histogram, bucket_is_the_order_of_magnitude)
{
	cr_assert_eq(histogram_index(0), 0);
	cr_assert_eq(histogram_index(1), 0);
	for (unsigned i = 1; i < 64; i++) {
		uint64_t from = UINT64_C(1) << i;
		unsigned bucket = i < WARD_BUCKETS ? i : WARD_BUCKETS - 1;

		cr_assert_eq(histogram_index(from), bucket);
		cr_assert_eq(histogram_index(from + 1), bucket);
		cr_assert_eq(histogram_index(2 * from - 1), bucket);
	}
	cr_assert_eq(histogram_index(UINT64_MAX), WARD_BUCKETS - 1);
}

Test(histogram, counts_and_merges)
{
	struct histogram a = { { 0 } }, b = { { 0 } };
	uint64_t sum[WARD_BUCKETS] = { [10] = 1000 };

	for (int i = 0; i < 3; i++)
		histogram_add(&a, 1024);
	histogram_add(&a, 1023);
	histogram_add(&b, 2047);
	histogram_add(&b, 0);
	histogram_add(&b, UINT64_MAX);
	histogram_merge(&a, sum);
	histogram_merge(&b, sum);
	for (unsigned i = 0; i < WARD_BUCKETS; i++) {
		uint64_t expect = i == 10		  ? 1004
				  : i == 0 || i == 9	  ? 1
				  : i == WARD_BUCKETS - 1 ? 1
							  : 0;

		cr_assert_eq(sum[i], expect, "bucket %u", i);
	}
}

#define ADDS 1000000u

static struct histogram shared;

static void *add(void *arg)
{
	for (uint64_t i = 0; i < ADDS; i++)
		histogram_add(&shared, i % 2 ? 100 : 1000000);
	return arg;
}

/* A reader meanwhile sees counts that were true, and never fewer later. */
Test(histogram, is_read_while_it_counts)
{
	uint64_t before = 0, now = 0;
	pthread_t owner;

	cr_assert_eq(pthread_create(&owner, NULL, add, NULL), 0);
	while (now < ADDS) {
		uint64_t sum[WARD_BUCKETS] = { 0 };

		histogram_merge(&shared, sum);
		now = sum[histogram_index(100)] + sum[histogram_index(1000000)];
		cr_assert_geq(now, before);
		cr_assert_leq(now, ADDS);
		before = now;
	}
	pthread_join(owner, NULL);
	cr_assert_eq(load_relaxed(&shared.bucket[histogram_index(100)]),
		     ADDS / 2);
}
