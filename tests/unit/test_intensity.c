/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/intensity.h"
#include "task/backoff.h"
#include <criterion/criterion.h>
#include <math.h>

/* The error that the file promises, and the rounding of each of 16 products. */
static bool near(uint64_t got, double want)
{
	return fabs((double)got - want) <= want * 16 / 65536 + 17;
}

Test(intensity, fades_by_half)
{
	cr_assert_eq(intensity_fade(8 * INTENSITY_ONE, 0, 1000),
		     8 * INTENSITY_ONE);
	cr_assert_eq(intensity_fade(8 * INTENSITY_ONE, 1000, 1000),
		     4 * INTENSITY_ONE);
	cr_assert_eq(intensity_fade(8 * INTENSITY_ONE, 3000, 1000),
		     1 * INTENSITY_ONE);
	cr_assert_eq(intensity_fade(UINT64_MAX, 64, 1), 0);
	cr_assert_eq(intensity_fade(UINT64_MAX, UINT64_MAX, 1), 0);
}

Test(intensity, fades_as_the_power_of_two_does)
{
	static const uint64_t half[] = { 1, 2, 3, 7, 1000, 5000000000,
					 UINT64_MAX / 3, UINT64_MAX };
	static const uint64_t score[] = { INTENSITY_ONE, 3 * INTENSITY_ONE + 77,
					  1000000 * (uint64_t)INTENSITY_ONE };

	for (unsigned h = 0; h < sizeof(half) / sizeof(*half); h++)
		for (unsigned s = 0; s < 3; s++)
			for (unsigned k = 0; k <= 300; k++) {
				double f = (double)k / 100;
				uint64_t span =
					(uint64_t)fmin(f * (double)half[h],
						       1.8e19);
				double want =
					(double)score[s] *
					exp2(-(double)span / (double)half[h]);
				uint64_t got = intensity_fade(score[s], span,
							      half[h]);

				cr_assert(near(got, want),
					  "%lu * 2^-(%lu/%lu) is %lu, not %f",
					  score[s], span, half[h], got, want);
			}
}

/* The rate that is asked for: so many at once, and one more is too much. */
Test(intensity, allows_as_many)
{
	for (uint32_t most = 1; most < 50; most++) {
		struct intensity it = { 0 };

		for (uint32_t i = 0; i < most; i++)
			cr_assert_not(intensity_add(&it, 1000, most, 1000));
		cr_assert(intensity_add(&it, 1000, most, 1000));
	}
}

Test(intensity, allows_for_ever_what_is_rare)
{
	struct intensity it = { 0 };

	/* One in each half-life sums up to 2. */
	for (uint64_t i = 1; i < 10000; i++)
		cr_assert_not(intensity_add(&it, i * 1000, 2, 1000));
	cr_assert(intensity_add(&it, 10000 * 1000 - 500, 2, 1000));
}

Test(intensity, bears_with_a_clock_that_stands)
{
	struct intensity it = { .score = INTENSITY_ONE, .at = 500 };

	cr_assert_not(intensity_add(&it, 400, 2, 1000));
	cr_assert_eq(it.score, 2 * INTENSITY_ONE);
	cr_assert_not(intensity_add(&it, UINT64_MAX, UINT32_MAX, 1));
}

Test(backoff, is_none_where_none_is_asked_for)
{
	_Atomic uint64_t rng = 1;

	cr_assert_eq(backoff_draw(&rng, 0, 0, 1), 0);
	cr_assert_eq(backoff_draw(&rng, 0, 1000, 9), 0);
	cr_assert_eq(rng, 1);
}

static void between(uint64_t least, uint64_t most, uint32_t n, uint64_t bound)
{
	_Atomic uint64_t rng = 7;
	uint64_t high = 0, low = UINT64_MAX;

	for (int i = 0; i < 2000; i++) {
		uint64_t got = backoff_draw(&rng, least, most, n);

		high = got > high ? got : high;
		low = got < low ? got : low;
	}
	cr_assert_leq(high, bound);
	cr_assert_gt(high, bound - bound / 50);
	cr_assert_lt(low, bound / 50 + 1);
}

Test(backoff, doubles_up_to_its_most)
{
	between(1000, 64000, 1, 1000);
	between(1000, 64000, 2, 2000);
	between(1000, 64000, 4, 8000);
	between(1000, 64000, 7, 64000);
	between(1000, 64000, 8, 64000);
	between(1000, 64000, UINT32_MAX, 64000);
	between(1000, 0, 30, 1000000);
	between(UINT64_MAX / 2, 0, 30, UINT64_MAX);
	between(UINT64_MAX, UINT64_MAX, 1, UINT64_MAX);
}
