/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exceptions.cc - C++ exceptions that leave run().
 *
 * Expected: libward::run<fn> makes a report of each, with its type and words, and the
 * attempt ends with its code; objects on the way are destroyed; pthread_exit()
 * passes through.  Without it, in a pool that catches faults, it is a fault: the
 * abort() of std::terminate().
 */
#include <ward/cxx.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <vector>

static std::atomic<int> destroyed;

struct object {
	~object()
	{
		destroyed++;
	}
};

/* ---- what run() does ------------------------------------------------------------ */

static int throws_words(struct ward_task *)
{
	object here;

	throw std::runtime_error("the disk is full of ducks");
}

static int throws_code(struct ward_task *)
{
	object here;

	throw std::system_error(EIO, std::generic_category(), "while reading");
}

static int throws_cancelled(struct ward_task *)
{
	object here;

	throw std::system_error(ECANCELED, std::generic_category());
}

static int throws_no_memory(struct ward_task *)
{
	object here;

	throw std::bad_alloc();
}

static int throws_a_number(struct ward_task *)
{
	object here;

	throw 5;
}

static int exits(struct ward_task *)
{
	object here;

	pthread_exit(nullptr);
}

static int returns(struct ward_task *)
{
	object here;

	return 7;
}

/* ---- what is told ---------------------------------------------------------------- */

struct told {
	uint64_t id;
	enum ward_kind kind;
	int err, signo;
	std::string message;
};
static std::mutex lock;
static std::vector<told> all;

extern "C" {
static void on_report(void *, const struct ward_report *report)
{
	std::lock_guard<std::mutex> held(lock);

	all.push_back({ report->id, report->kind, report->err, report->signo,
			report->message });
}

static int status;
static uint64_t incident;
static std::atomic<bool> over;

static void on_done(struct ward_task *task, int with)
{
	status = with;
	incident = ward_incident(task);
}

static void on_release(struct ward_task *)
{
	over = true;
}
}

static told wait_told(uint64_t id)
{
	ward_ns until = ward_in(WARD_S(30));

	while (ward_now() < until) {
		{
			std::lock_guard<std::mutex> held(lock);

			for (const told &t : all)
				if (t.id == id)
					return t;
		}
		ward_pause(ward_in(WARD_MS(1)));
	}
	std::fprintf(stderr, "report %llu was never told\n",
		     static_cast<unsigned long long>(id));
	std::exit(1);
}

/* ---- ends ------------------------------------------------------------------------- */

static struct ward_pool *pool;

static void ends(int (*run)(struct ward_task *), int with, enum ward_kind kind,
		 const char *message)
{
	struct ward_task task = WARD_TASK_INIT(run);
	ward_ns until = ward_in(WARD_S(30));

	task.done = on_done;
	task.release = on_release;
	over = false;
	destroyed = 0;
	if (ward_submit(pool, &task, WARD_FOREVER))
		std::exit(1);
	while (!over && ward_now() < until)
		ward_pause(ward_in(WARD_MS(1)));
	if (!over || status != with) {
		std::fprintf(stderr, "status %d, not %d\n", status, with);
		std::exit(1);
	}
	if (kind != WARD_R_FAULT && destroyed != 1) {
		std::fprintf(stderr, "destroyed %d\n", destroyed.load());
		std::exit(1);
	}
	if (!kind)
		return;
	told t = wait_told(incident);
	if (t.kind != kind || t.err != with ||
	    t.message.find(message) == std::string::npos) {
		std::fprintf(stderr, "told %d %d '%s'\n", t.kind, t.err,
			     t.message.c_str());
		std::exit(1);
	}
}

int main()
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_hooks hooks = ward_hooks();
	const int other = libward::exception_code;
	struct ward_audit audit = WARD_AUDIT_INIT;

	hooks.report = on_report;
	config.flags = WARD_POOL_CATCH_FAULTS;
	config.workers = 1;
	config.hooks = &hooks;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;
	for (int i = 0; i < 20; i++) {
		ends(libward::run<throws_words>, other, WARD_R_ERROR,
		     "std::runtime_error: the disk is full of ducks");
		ends(libward::run<throws_code>, -EIO, WARD_R_ERROR,
		     "std::system_error: while reading");
		ends(libward::run<throws_cancelled>, other, WARD_R_ERROR,
		     "std::system_error");
		ends(libward::run<throws_no_memory>, -ENOMEM, WARD_R_ERROR,
		     "std::bad_alloc");
		ends(libward::run<throws_a_number>, other, WARD_R_ERROR,
		     "type int");
		ends(libward::run<exits>, -EOWNERDEAD, WARD_R_DEATH, "");
		ends(libward::run<returns>, 7, WARD_R_ERROR, "");
		ends(throws_words, -EFAULT, WARD_R_FAULT, "");
	}
	if (ward_pool_drain(pool, ward_in(WARD_S(30))) ||
	    ward_audit(pool, &audit)) {
		std::fprintf(stderr, "audit: %s\n", audit.first);
		return 1;
	}
	return ward_pool_destroy(pool, ward_in(WARD_S(30)));
}
