/* SPDX-License-Identifier: BSD-2-Clause */
#include "../sanitizers.h"
#include "base/host.h"
#include "base/host_symbol.h"
#include "tell/format.h"
#include "json.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <ward/report.h>

static char buf[4096];

static void *const frames[] = { (void *)(uintptr_t)gnu_get_libc_version,
				(void *)8 };

static const struct ward_report full = {
	.size = sizeof(full),
	.kind = WARD_R_BLOCKED,
	.id = 17,
	.utc_s = 1000000000,
	.utc_ns = 5,
	.worker = 3,
	.at = UINT64_C(12345000000678),
	.pool = "web",
	.task = "up\"load\n",
	.what = "asleep in futex for longer than its budget",
	.message = "the \"page\"",
	.user = "Number 17.",
	.known = true,
	.err = -62,
	.signo = 11,
	.addr = (void *)16,
	.cause = 16,
	.hash = UINT64_C(0xfedcba9876543210),
	.seen = 4,
	.host = "here",
	.boot = "now",
	.pid = 4710,
	.attempt = 2,
	.tid = 4711,
	.ledger = { .silence = 250000000,
		    .busy = 1000000,
		    .blocked = 240000000,
		    .starved = 5000000,
		    .stopped = 3000000,
		    .blind = 1000000 },
	.budget = 240000000,
	.heal = 12345,
	.suppressed = 9,
	.state = 'S',
	.syscall = 202,
	.syscall_arg = 0x7f00deadbeef,
	.holder = 4712,
	.chain = "4711 > 4712 > 4711",
	.frames = frames,
	.nframes = 2,
	.core = true,
	.cpu = 1500000,
	.peak = 81920,
};

/* As if there were a pool: what is read of the files is kept. */
static void setup(void)
{
	host_init();
	host_symbol_hold();
}

static void teardown(void)
{
	host_symbol_drop();
}

TestSuite(format, .init = setup, .fini = teardown);

static const char *formatted(const struct ward_report *report, bool json)
{
	int len = ward_report_format(report, buf, sizeof(buf), json);

	cr_assert_eq((size_t)len, strlen(buf));
	cr_assert_lt((size_t)len, sizeof(buf));
	cr_assert_null(strchr(buf, '\n'));
	return buf;
}

static void says(const char *json, const char *name, const char *value)
{
	char got[1024];

	cr_assert(json_get(json, name, got, sizeof(got)), "no %s", name);
	cr_assert_str_eq(got, value, "%s is %s", name, got);
}

/* ---- kinds ----------------------------------------------------------- */

Test(format, each_kind_has_a_name_of_its_own)
{
	for (int i = WARD_R_LIVELOCK; i <= WARD_R_HELPER; i++) {
		const char *name = ward_kind_name((enum ward_kind)i);

		cr_assert_str_neq(name, "unknown");
		for (int j = WARD_R_LIVELOCK; j < i; j++)
			cr_assert_str_neq(ward_kind_name((enum ward_kind)j),
					  name);
	}
	cr_assert_str_eq(ward_kind_name(WARD_R_LIVELOCK), "livelock");
	cr_assert_str_eq(ward_kind_name(WARD_R_NO_PROGRESS), "no_progress");
	cr_assert_str_eq(ward_kind_name(WARD_R_EVIDENCE), "evidence");
}

Test(format, what_is_no_kind_is_unknown)
{
	cr_assert_str_eq(ward_kind_name((enum ward_kind)0), "unknown");
	cr_assert_str_eq(ward_kind_name((enum ward_kind)(WARD_R_HELPER + 1)),
			 "unknown");
	cr_assert_str_eq(ward_kind_name((enum ward_kind) - 1), "unknown");
	cr_assert_str_eq(ward_kind_name((enum ward_kind)INT32_MAX), "unknown");
}

/* ---- text ------------------------------------------------------------ */

Test(format, text_has_all_that_is_known)
{
	static const char before[] =
		"2001-09-09T01:46:40.000000005Z ward #17 blocked: "
		"asleep in futex for longer than its budget "
		"message=\"the \\\"page\\\"\" user=\"Number 17.\" known=yes "
		"err=-62 signo=11 addr=0x10 cause=16 pool=\"web\" "
		"worker=3 tid=4711 task=\"up\\\"load\\n\" attempt=2 "
		"silence=250ms busy=1ms blocked=240ms starved=5ms stopped=3ms "
		"blind=1ms budget=240ms heal=12.345us state=S syscall=202 "
		"arg=0x7f00deadbeef holder=4712 chain=\"4711 > 4712 > 4711\" "
		"trace=\"";
	static const char after[] =
		", 0x8\" core=yes cpu=1.5ms peak=81920 "
		"hash=0xfedcba9876543210 seen=4 host=\"here\" "
		"boot=\"now\" pid=4710 suppressed=9 at=12345.000000678";
	char frame[256];

	formatted(&full, false);
	cr_assert_eq(strncmp(buf, before, strlen(before)), 0, "%s", buf);
	cr_assert_gt(ward_frame_format(frames[0], frame, sizeof(frame)), 0);
	cr_assert_eq(strncmp(buf + strlen(before), frame, strlen(frame)), 0,
		     "%s", buf);
	cr_assert_str_eq(buf + strlen(buf) - strlen(after), after);
}

static struct ward_report least(void)
{
	return (struct ward_report){ .size = sizeof(full),
				     .kind = WARD_R_DEGRADED,
				     .worker = UINT32_MAX,
				     .syscall = -1,
				     .pool = "",
				     .task = "",
				     .what = "the zombie cap is reached",
				     .chain = "" };
}

/* The very place of a function's beginning, or behind a call in another one. */
Test(format, innermost_frames_are_calls_only_of_who_tells_itself)
{
	struct ward_report report = full;
	char at[256], called[256];

	ward_frame_format(frames[0], at, sizeof(at));
	report.nframes = 1;
	cr_assert_not_null(strstr(formatted(&report, false), at));
	report.kind = WARD_R_ERROR;
	formatted(&report, false);
	if (strstr(at, "gnu_get_libc_version")) /* else there are no names */
		cr_assert_null(strstr(buf, at), "%s", buf);
	report.frames = (void *const[]){ (void *)8, frames[0] };
	report.nframes = 2;
	report.kind = WARD_R_FAULT;
	snprintf(called, sizeof(called), "%s", strstr(buf, "trace=\"") + 7);
	*strchr(called, '"') = '\0';
	cr_assert_not_null(strstr(formatted(&report, false), called));
}

/* An abort leaves behind no memory, no lock, no names. */
Test(format, a_line_without_names)
{
	uint64_t offset;
	char frame[256];

	format_line(&full, buf, sizeof(buf), false);
	if (*host_object(frames[0], &offset)) {
		snprintf(frame, sizeof(frame),
			 "trace=\"libc.so.6+0x%" PRIx64 ", 0x8\"", offset);
		cr_assert_not_null(strstr(buf, frame), "%s", buf);
	}
}

Test(format, a_message_for_the_user_is_told_once)
{
	struct ward_report report = full;

	report.user = report.message;
	cr_assert_null(strstr(formatted(&report, false), "user="));
	cr_assert_not_null(strstr(buf, "message="));
}

Test(format, an_exit_has_a_code)
{
	struct ward_report report = least();

	cr_assert_null(strstr(formatted(&report, false), "exit="));
	report.ended = true;
	cr_assert_not_null(strstr(formatted(&report, false), " exit=0 "));
	report.exit_code = 3;
	cr_assert_not_null(strstr(formatted(&report, false), " exit=3 "));
	says(formatted(&report, true), "exit", "3");
}

/* The most frequent fault has the address NULL. */
Test(format, a_fault_has_an_address)
{
	struct ward_report report = full;

	report.addr = NULL;
	cr_assert_not_null(strstr(formatted(&report, false),
				  " signo=11 addr=0x0 "));
	report.ended = true;
	cr_assert_null(strstr(formatted(&report, false), "addr="));
	report.ended = false;
	report.signo = 0;
	cr_assert_null(strstr(formatted(&report, false), "addr="));
}

Test(format, text_leaves_out_what_is_not_known)
{
	struct ward_report report = least();

	cr_assert_str_eq(formatted(&report, false),
			 "1970-01-01T00:00:00.000000000Z ward #0 degraded: "
			 "the zombie cap is reached at=0.000000000");
	report.worker = 0;
	report.syscall = 0;
	cr_assert_str_eq(formatted(&report, false),
			 "1970-01-01T00:00:00.000000000Z ward #0 degraded: "
			 "the zombie cap is reached worker=0 syscall=0 "
			 "arg=0x0 at=0.000000000");
}

/* ---- JSON ------------------------------------------------------------ */

Test(format, json_has_every_field)
{
	char ledger[256], list[1024], frame[1024], hex[32];
	char name[256], want[300];
	uint64_t offset;

	formatted(&full, true);
	cr_assert(json_is_one(buf), "%s", buf);
	says(buf, "id", "17");
	says(buf, "kind", "\"blocked\"");
	says(buf, "utc", "\"2001-09-09T01:46:40.000000005Z\"");
	says(buf, "at", "12345000000678");
	says(buf, "what", "\"asleep in futex for longer than its budget\"");
	says(buf, "pool", "\"web\"");
	says(buf, "worker", "3");
	says(buf, "tid", "4711");
	says(buf, "task", "\"up\\\"load\\n\"");
	says(buf, "attempt", "2");
	says(buf, "budget", "240000000");
	says(buf, "heal", "12345");
	says(buf, "suppressed", "9");
	says(buf, "state", "\"S\"");
	says(buf, "syscall", "202");
	says(buf, "syscall_arg", "\"0x7f00deadbeef\"");
	says(buf, "holder", "4712");
	says(buf, "chain", "\"4711 > 4712 > 4711\"");
	says(buf, "message", "\"the \\\"page\\\"\"");
	says(buf, "user", "\"Number 17.\"");
	says(buf, "known", "true");
	says(buf, "err", "-62");
	says(buf, "signo", "11");
	says(buf, "addr", "\"0x10\"");
	says(buf, "cause", "16");
	says(buf, "exit", "null"); /* a signal's */
	says(buf, "core", "true");
	says(buf, "cpu", "1500000");
	says(buf, "peak", "81920");
	says(buf, "hash", "\"0xfedcba9876543210\"");
	says(buf, "seen", "4");
	says(buf, "host", "\"here\"");
	says(buf, "boot", "\"now\"");
	says(buf, "pid", "4710");
	cr_assert(json_get(buf, "ledger", ledger, sizeof(ledger)));
	says(ledger, "silence", "250000000");
	says(ledger, "busy", "1000000");
	says(ledger, "blocked", "240000000");
	says(ledger, "starved", "5000000");
	says(ledger, "stopped", "3000000");
	says(ledger, "blind", "1000000");
	cr_assert(json_get(buf, "frames", list, sizeof(list)));
	cr_assert_eq(list[0], '[');
	snprintf(hex, sizeof(hex), "\"%p\"", frames[0]);
	says(list + 1, "address", hex);
	host_object(frames[0], &offset);
	snprintf(hex, sizeof(hex), "\"0x%" PRIx64 "\"", offset);
	says(list + 1, "offset", hex);
	snprintf(frame, sizeof(frame), "%s",
		 json_blank(json_value(list + 1)) + 1);
	says(frame, "address", "\"0x8\"");
	says(frame, "object", "\"\"");
	says(frame, "offset", "\"0x0\"");
	says(frame, "symbol", "\"\"");
	ward_frame_format(frames[0], name, sizeof(name));
	snprintf(want, sizeof(want), "\"%s\"",
		 strchr(name, '(') ? name : "");
	says(list + 1, "symbol", want);
}

Test(format, json_of_what_is_not_known)
{
	struct ward_report report = least();

	formatted(&report, true);
	cr_assert(json_is_one(buf), "%s", buf);
	says(buf, "worker", "null");
	says(buf, "syscall", "null");
	says(buf, "state", "\"\"");
	says(buf, "tid", "0");
	says(buf, "pool", "\"\"");
	says(buf, "frames", "[]");
	says(buf, "trace", "\"\"");
	says(buf, "message", "\"\"");
	says(buf, "user", "\"\"");
	says(buf, "known", "false");
	says(buf, "exit", "null");
	says(buf, "core", "false");
	says(buf, "cpu", "0");
	says(buf, "err", "0");
	says(buf, "addr", "\"0x0\"");
	says(buf, "cause", "0");
	says(buf, "hash", "\"0x0\"");
	says(buf, "host", "\"\"");
	says(buf, "pid", "0");
}

/* Names are the user's: whatever they hold, a report stays one line of JSON. */
Test(format, any_names_make_json)
{
	struct ward_report report = full;
	char name[4][16];
	uint64_t seed = 7;

	report.pool = name[0];
	report.task = name[1];
	report.what = name[2];
	report.chain = name[3];
	report.message = name[0];
	report.user = name[1];
	report.host = name[2];
	for (int i = 0; i < (UNDER_ASAN ? 4000 : 20000); i++) {
		for (size_t at = 0; at < sizeof(name); at++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			name[at / 16][at % 16] = (char)(seed >> 56);
		}
		for (int j = 0; j < 4; j++)
			name[j][15] = '\0';
		report.state = (char)(seed >> 48);
		cr_assert(json_is_one(formatted(&report, true)), "%s", buf);
		formatted(&report, false);
	}
}

/* ---- arguments ------------------------------------------------------- */

Test(format, is_cut_as_snprintf_does)
{
	char whole[sizeof(buf)], part[sizeof(buf)];

	for (int json = 0; json < 2; json++) {
		int len = ward_report_format(&full, whole, sizeof(whole), json);

		cr_assert_eq(ward_report_format(&full, NULL, 0, json), len);
		for (size_t room = 1; room <= (size_t)len + 2; room++) {
			memset(part, '#', sizeof(part));
			cr_assert_eq(
				ward_report_format(&full, part, room, json),
				len);
			cr_assert_eq(strlen(part), room <= (size_t)len
							   ? room - 1
							   : (size_t)len);
			cr_assert_eq(strncmp(part, whole, strlen(part)), 0);
			cr_assert_eq(part[room], '#');
		}
	}
}

Test(format, refuses_what_it_cannot_do)
{
	for (int json = 0; json < 2; json++) {
		cr_assert_eq(ward_report_format(NULL, buf, 10, json), -EINVAL);
		cr_assert_eq(ward_report_format(NULL, NULL, 0, json), -EINVAL);
		cr_assert_eq(ward_report_format(&full, NULL, 1, json), -EINVAL);
	}
}

Test(format, takes_a_report_without_strings)
{
	struct ward_report report = { .kind = WARD_R_HOME, .nframes = 3 };

	cr_assert(json_is_one(formatted(&report, true)));
	cr_assert_not_null(strstr(formatted(&report, false), " home: "));
}
