/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_no_threads.c - scenarios 22 and 23 for wards: no thread can be made, no
 * memory is to be had.
 *
 * Expected: at the start each is an error, and nothing is left of it.  While wards
 * run they go on being restarted, on the threads that are there; those that died
 * are made anew when that can be done again.
 */
#include "wards.h"

static _Atomic int32_t spawns_left = INT32_MAX, allocs_left = INT32_MAX;
static _Atomic uint64_t bytes_out;

WRAPPED(host_spawn);
int __wrap_host_spawn(host_thread *out, const struct host_spawn *how,
		      void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	if (atomic_fetch_sub_explicit(&spawns_left, 1, memory_order_relaxed) <=
	    0)
		return -EAGAIN;
	return __real_host_spawn(out, how, fn, last, arg);
}

WRAPPED(host_alloc);
void *__wrap_host_alloc(size_t size)
{
	void *mem = NULL;

	if (atomic_fetch_sub_explicit(&allocs_left, 1, memory_order_relaxed) >
	    0)
		mem = __real_host_alloc(size);
	if (mem)
		add_relaxed(&bytes_out, size);
	return mem;
}

WRAPPED(host_free);
void __wrap_host_free(void *mem, size_t size)
{
	if (mem)
		add_relaxed(&bytes_out, -(uint64_t)size);
	__real_host_free(mem, size);
}

static struct ward_steward_config small(struct ward_pool_config *pool)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;

	*pool = story_config();
	config.wards = 2;
	config.restarts = 1000;
	config.pool = pool;
	return config;
}

/* Each of them in turn is the one that fails. */
static int never_starts(_Atomic int32_t *left, int want)
{
	struct ward_pool_config pool;
	struct ward_steward_config config = small(&pool);
	struct ward_steward *root;
	uint64_t bytes;
	int n, err = want;

	for (n = 0; err == want; n++) {
		bytes = load_relaxed(&bytes_out);
		root = NULL;
		store_relaxed(left, n);
		err = ward_steward_create(&root, &config);
		store_relaxed(left, INT32_MAX);
		if (!err)
			break;
		expect_equal(err, want);
		expect(!root);
		expect_equal(load_relaxed(&bytes_out), bytes);
		wait_until(threads_now() == 1);
	}
	steward_gone(root);
	return n;
}

static int no_memory_for_one(struct ward_steward *root)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *below = NULL;
	uint64_t bytes = load_relaxed(&bytes_out);
	struct actor a;
	int n, err = -ENOMEM;

	actor_init(&a, 'a');
	a.spec.state = 100;
	for (n = 0; err; n++) {
		store_relaxed(&allocs_left, n);
		err = ward_start(&a.ward, root, &a.spec);
		store_relaxed(&allocs_left, INT32_MAX);
		expect(err == 0 || err == -ENOMEM);
		if (err) {
			expect(!a.ward);
			expect_equal(load_relaxed(&bytes_out), bytes);
		}
	}
	expect_equal(ward_stop(a.ward, ward_in(IN_TIME)), 0);
	ward_put(a.ward);
	config.parent = root;
	store_relaxed(&allocs_left, 0);
	expect_equal(ward_steward_create(&below, &config), -ENOMEM);
	store_relaxed(&allocs_left, INT32_MAX);
	expect(!below);
	return n;
}

/* Deaf to its deadline, so that its memory is out; the next is started without. */
static void restarts_without(struct ward_steward *root)
{
	struct actor a;

	actor_start(&a, 'a', root);
	store_relaxed(&allocs_left, 0);
	store_relaxed(&spawns_left, 0);
	for (uint32_t n = 1; n <= 20; n++) {
		actor_told(&a, n % 2 ? DEED_RAISE : DEED_RETURN_7);
		wait_until(load_acquire(&a.runs) == n + 1);
	}
	actor_told(&a, DEED_EXIT); /* a spare is there */
	wait_until(load_acquire(&a.runs) == 22);
	actor_told(&a, DEED_EXIT); /* and now only those that are idle */
	wait_until(load_acquire(&a.runs) == 23);
	told(WARD_R_NO_THREAD, 0);
	store_relaxed(&allocs_left, INT32_MAX);
	store_relaxed(&spawns_left, INT32_MAX);
	wait_healed(pool_under(root));
	expect_equal(ward_stop(a.ward, ward_in(IN_TIME)), 0);
	ward_put(a.ward);
}

int main(void)
{
	struct ward_pool_config pool;
	struct ward_steward_config config = small(&pool);
	struct ward_steward *root;
	int threads = never_starts(&spawns_left, -EAGAIN);
	int memory = never_starts(&allocs_left, -ENOMEM);

	expect(threads > 4 && memory > 4);
	root = supervisor_up(&config);
	printf("failed at the start: %d threads, %d pieces of memory; of a ward: "
	       "%d\n",
	       threads, memory, no_memory_for_one(root));
	restarts_without(root);
	steward_gone(root);
	wait_until(threads_now() == 1);
	return 0;
}
