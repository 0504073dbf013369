/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/host_fault.h"
#include "base/host_inside.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NOWHERE ((uintptr_t)0x10)
static volatile uintptr_t nowhere = NOWHERE;

/* ---- a patient: a thread whose faults are caught, or not ---------------- */

struct patient {
	struct host_fault fault;
	struct host_escape escape;
	void (*illness)(void);
	void *stack;
	unsigned asked;
	bool refuse, stranger, caught, ended;
	host_thread thread;
};

static struct host_fault *catches(void *self)
{
	struct patient *patient = self;

	patient->asked++;
	return patient->refuse ? NULL : &patient->fault;
}

static void caught(void *self)
{
	struct patient *patient = self;

	host_escape(&patient->escape, 7);
}

static void live(void *arg)
{
	struct patient *patient = arg;
	int escaped;

	if (!patient->stranger)
		host_set_self(patient);
	if (patient->stack)
		host_alt_stack_use(patient->stack);
	escaped = host_mark(&patient->escape);
	if (!escaped)
		patient->illness();
	patient->caught = escaped == 7;
	patient->ended = !escaped;
	host_alt_stack_leave();
	host_set_self(NULL);
}

static void install(void)
{
	host_init();
	cr_assert_eq(host_fault_install(catches, caught), 0);
}

/* Installs the handlers, and lets the patient live. */
static void lives(struct patient *patient)
{
	struct host_spawn how = { .stack = 1 << 18, .guard = 1 << 20 };

	install();
	cr_assert_eq(host_spawn(&patient->thread, &how, live, NULL, patient),
		     0);
	cr_assert_eq(host_join(patient->thread, HOST_FOREVER), 0);
}

/* ---- illnesses ------------------------------------------------------------ */

static void write_nowhere(void)
{
	*(volatile uint32_t *)nowhere = 1;
}

static void call_abort(void)
{
	abort();
}

static volatile char sink;

static __attribute__((noinline)) void recurse(volatile char *above)
{
	volatile char room[256];

	room[0] = *above;
	if (room[0] != 'x')
		recurse(room);
	sink = room[0];
}

static void overflow(void)
{
	char first = 'a';

	recurse(&first);
}

static void hold_no_more(void)
{
	host_hold();
	host_hold();
	host_unhold();
	host_unhold();
	write_nowhere();
}

#if !UNDER_ASAN /* whose handler was there before: it ends the test its way */
static void hold_and_write(void)
{
	host_hold();
	host_hold();
	host_unhold();
	write_nowhere();
}

static void send_segv(void)
{
	raise(SIGSEGV);
}

static void send_abrt(void)
{
	raise(SIGABRT);
}
#endif

/* ---- caught ----------------------------------------------------------------- */

Test(host_fault, is_written_down)
{
	struct patient patient = { .illness = write_nowhere };

	lives(&patient);
	cr_assert(patient.caught && !patient.ended);
	cr_assert_eq(patient.asked, 1);
	cr_assert_eq(patient.fault.signo, SIGSEGV);
	cr_assert_eq(patient.fault.addr, (void *)NOWHERE);
	cr_assert_gt(patient.fault.n, 1);
	cr_assert_geq((uintptr_t)patient.fault.frame[0],
		      (uintptr_t)write_nowhere);
	cr_assert_lt((uintptr_t)patient.fault.frame[0],
		     (uintptr_t)write_nowhere + 64);
}

/* The first frame is the caller of abort(). */
Test(host_fault, abort_is_one)
{
	struct patient patient = { .illness = call_abort };

	lives(&patient);
	cr_assert(patient.caught);
	cr_assert_eq(patient.fault.signo, SIGABRT);
	cr_assert_null(patient.fault.addr);
	cr_assert_geq((uintptr_t)patient.fault.frame[0],
		      (uintptr_t)call_abort);
	cr_assert_lt((uintptr_t)patient.fault.frame[0],
		     (uintptr_t)call_abort + 64);
}

Test(host_fault, running_out_of_stack_is_one)
{
	struct patient patient = { .illness = overflow };

	patient.stack = host_alt_stack_new();
	cr_assert_not_null(patient.stack);
	lives(&patient);
	cr_assert(patient.caught);
	cr_assert_eq(patient.fault.signo, SIGSEGV);
	cr_assert_eq(patient.fault.n, HOST_FRAMES);
	host_alt_stack_free(patient.stack);
	host_alt_stack_free(NULL);
}

Test(host_fault, what_is_held_no_more_does_not_matter)
{
	struct patient patient = { .illness = hold_no_more };

	lives(&patient);
	cr_assert(patient.caught);
}

static uint32_t holds_after;

static void look_at_holds(void)
{
	holds_after = host_holds;
}

static struct patient jumper;

static void hold_and_jump(void)
{
	host_hold();
	if (!jumper.asked++)
		host_escape(&jumper.escape, 7);
}

/* Calls that are left by a jump are not under way any more. */
Test(host_fault, an_escape_leaves_nothing_held)
{
	static struct host_escape here;

	host_hold();
	if (!host_mark(&here))
		host_escape(&here, 1);
	look_at_holds();
	cr_assert_eq(holds_after, 0);
	jumper.illness = hold_and_jump;
	lives(&jumper);
	cr_assert(jumper.caught);
}

Test(host_fault, one_thread_after_another)
{
	struct patient patient;
	void *stack = host_alt_stack_new();

	for (int i = 0; i < 100; i++) {
		patient = (struct patient){ .illness = i & 1 ? overflow :
							       call_abort,
					    .stack = stack };
		lives(&patient);
		cr_assert(patient.caught);
	}
	host_alt_stack_free(stack);
}

/* ---- the thread's stack for signals ------------------------------------------- */

Test(host_fault, the_former_stack_comes_back)
{
	static char mem[1 << 16];
	stack_t former = { .ss_sp = mem, .ss_size = sizeof(mem) }, now;
	void *stack = host_alt_stack_new();

	cr_assert_eq(sigaltstack(&former, NULL), 0);
	host_alt_stack_leave(); /* of none */
	cr_assert_eq(sigaltstack(NULL, &now), 0);
	cr_assert_eq(now.ss_sp, mem);
	host_alt_stack_use(stack);
	cr_assert_eq(sigaltstack(NULL, &now), 0);
	cr_assert_gt((char *)now.ss_sp, (char *)stack);
	cr_assert_geq(now.ss_size, 64 << 10);
	memset(now.ss_sp, 1, now.ss_size);
	host_alt_stack_leave();
	cr_assert_eq(sigaltstack(NULL, &now), 0);
	cr_assert_eq(now.ss_sp, mem);
	host_alt_stack_free(stack);
}

#if !UNDER_ASAN
/* ---- not caught ----------------------------------------------------------------- */

Test(host_fault, refused, .signal = SIGSEGV)
{
	struct patient patient = { .illness = write_nowhere, .refuse = true };

	lives(&patient);
}

Test(host_fault, of_a_stranger, .signal = SIGSEGV)
{
	struct patient patient = { .illness = write_nowhere,
				   .stranger = true };

	lives(&patient);
}

Test(host_fault, while_something_is_held, .signal = SIGSEGV)
{
	struct patient patient = { .illness = hold_and_write };

	lives(&patient);
}

Test(host_fault, sent, .signal = SIGSEGV)
{
	struct patient patient = { .illness = send_segv };

	lives(&patient);
}

Test(host_fault, sent_abort, .signal = SIGABRT)
{
	struct patient patient = { .illness = send_abrt };

	lives(&patient);
}
#endif

/* ---- a smashed stack -------------------------------------------------------------- */

static int taken;

static __attribute__((noinline)) int trace_it(void)
{
	void *frame[16];

	return host_backtrace(frame, 16);
}

/* The unwinder finds no code at the way back, and faults on it. */
static __attribute__((noinline, no_sanitize("address"))) void smash(void)
{
	volatile uintptr_t *at = __builtin_frame_address(0);
	uintptr_t was[8];

	for (int i = 0; i < 8; i++)
		was[i] = at[i];
	for (int i = 1; i < 8; i++)
		at[i] = (uintptr_t)UINT64_C(0x4141414141414141);
	taken = trace_it();
	for (int i = 0; i < 8; i++)
		at[i] = was[i];
}

Test(host_fault, a_smashed_stack_ends_a_backtrace)
{
	install();
	smash();
	cr_assert_gt(taken, 1);
	cr_assert_lt(taken, 16);
	taken = trace_it();
	cr_assert_gt(taken, 2, "and the next is as ever");
}
