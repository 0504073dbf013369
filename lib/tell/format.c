/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.c - a report as one line, of text or of JSON.
 *
 * JSON has every field always: spans in ns; null, 0 or "" if it is not known.
 * Text leaves those out.
 */
#include "tell/format.h"
#include "tell/frame.h"

#include <errno.h>
#include <string.h>

static const char *const kind_name[] = {
	[WARD_R_LIVELOCK] = "livelock",
	[WARD_R_BLOCKED] = "blocked",
	[WARD_R_NO_PROGRESS] = "no_progress",
	[WARD_R_OVERDUE] = "overdue",
	[WARD_R_DEATH] = "death",
	[WARD_R_FAULT] = "fault",
	[WARD_R_ERROR] = "error",
	[WARD_R_SLOW] = "slow",
	[WARD_R_HOME] = "home",
	[WARD_R_DEGRADED] = "degraded",
	[WARD_R_RECOVERED] = "recovered",
	[WARD_R_NO_THREAD] = "no_thread",
	[WARD_R_ENVIRONMENT] = "environment",
	[WARD_R_EVIDENCE] = "evidence",
	[WARD_R_STEWARD] = "steward",
	[WARD_R_RESTART] = "restart",
	[WARD_R_GAVE_UP] = "gave_up",
	[WARD_R_MISUSE] = "misuse",
	[WARD_R_HELPER] = "helper",
};

const char *ward_kind_name(enum ward_kind kind)
{
	size_t i = (size_t)kind;

	if (i >= sizeof(kind_name) / sizeof(kind_name[0]) || !kind_name[i])
		return "unknown";
	return kind_name[i];
}

static const char *string(const char *s)
{
	return s ? s : "";
}

/* ---- frames ---------------------------------------------------------------------- */

/*
 * A thread that tells its own failure does so in a call, as each frame but the innermost
 * is one; of others the innermost frame is where they were.
 */
static enum host_code what_is(const struct ward_report *report, uint32_t i)
{
	return i > 0 || report->kind == WARD_R_ERROR ? HOST_CODE_RETURN :
						       HOST_CODE_AT;
}

static void text_frame(struct text *out, void *frame, enum host_code what,
		       bool names)
{
	if (!names || !frame_symbol(out, frame, what))
		frame_place(out, frame);
}

static void json_frame(struct text *out, void *frame, enum host_code what,
		       bool names)
{
	uint64_t offset;
	const char *object = host_object(frame, &offset);

	text_put(out, "{\"address\":\"");
	text_hex(out, (uintptr_t)frame);
	text_put(out, "\",\"object\":");
	text_quoted(out, object);
	text_put(out, ",\"offset\":\"");
	text_hex(out, offset);
	text_put(out, "\",\"symbol\":\"");
	if (names)
		frame_symbol(out, frame, what);
	text_put(out, "\"}");
}

static void all_frames(struct text *out, const struct ward_report *report,
		       bool names, const char *between,
		       void (*one)(struct text *out, void *frame,
				   enum host_code what, bool names))
{
	if (!report->frames)
		return;
	if (names)
		host_symbol_hold(); /* read once for all of them */
	for (uint32_t i = 0; i < report->nframes; i++) {
		if (i > 0)
			text_put(out, between);
		one(out, report->frames[i], what_is(report, i), names);
	}
	if (names)
		host_symbol_drop();
}

/* ---- text ------------------------------------------------------------------------ */

static void key(struct text *out, const char *name)
{
	text_char(out, ' ');
	text_put(out, name);
	text_char(out, '=');
}

static void key_string(struct text *out, const char *name, const char *value)
{
	if (*string(value)) {
		key(out, name);
		text_quoted(out, value);
	}
}

static void key_number(struct text *out, const char *name, int64_t value)
{
	if (value != 0) {
		key(out, name);
		text_signed(out, value);
	}
}

static void key_span(struct text *out, const char *name, ward_ns value)
{
	if (value != 0) {
		key(out, name);
		text_span(out, value);
	}
}

/* A fault always has an address: NULL is the most frequent one. */
static void text_words(struct text *out, const struct ward_report *report)
{
	const char *message = string(report->message);

	key_string(out, "message", message);
	if (strcmp(string(report->user), message) != 0)
		key_string(out, "user", report->user);
	if (report->known)
		text_put(out, " known=yes");
	key_number(out, "err", report->err);
	if (report->signo) {
		key_number(out, "signo", report->signo);
		key(out, "addr");
		text_hex(out, (uintptr_t)report->addr);
	}
	if (report->cause) {
		key(out, "cause");
		text_number(out, report->cause, 1);
	}
}

static void text_who(struct text *out, const struct ward_report *report)
{
	key_string(out, "pool", report->pool);
	if (report->worker != UINT32_MAX) {
		key(out, "worker");
		text_number(out, report->worker, 1);
	}
	key_number(out, "tid", report->tid);
	key_string(out, "task", report->task);
	key_number(out, "attempt", report->attempt);
}

static void text_why(struct text *out, const struct ward_report *report)
{
	const struct ward_ledger *ledger = &report->ledger;

	key_span(out, "silence", ledger->silence);
	key_span(out, "busy", ledger->busy);
	key_span(out, "blocked", ledger->blocked);
	key_span(out, "starved", ledger->starved);
	key_span(out, "stopped", ledger->stopped);
	key_span(out, "blind", ledger->blind);
	key_span(out, "budget", report->budget);
	key_span(out, "heal", report->heal);
}

static void text_where(struct text *out, const struct ward_report *report,
		       bool names)
{
	char state[2] = { report->state, '\0' };

	if (*state) {
		key(out, "state");
		text_escaped(out, state);
	}
	if (report->syscall >= 0) {
		key(out, "syscall");
		text_number(out, (uint64_t)report->syscall, 1);
		key(out, "arg");
		text_hex(out, report->syscall_arg);
	}
	key_number(out, "holder", report->holder);
	key_string(out, "chain", report->chain);
	if (report->frames && report->nframes > 0) {
		key(out, "trace");
		text_char(out, '"');
		all_frames(out, report, names, ", ", text_frame);
		text_char(out, '"');
	} else {
		key_string(out, "trace", report->trace);
	}
}

static void text_which(struct text *out, const struct ward_report *report)
{
	if (report->hash) {
		key(out, "hash");
		text_hex(out, report->hash);
	}
	if (report->seen) {
		key(out, "seen");
		text_number(out, report->seen, 1);
	}
	key_string(out, "host", report->host);
	key_string(out, "boot", report->boot);
	key_number(out, "pid", report->pid);
}

/* 2026-11-21T08:45:30.641895546Z ward #17 blocked: what it was. pool="web" ... */
static void as_text(struct text *out, const struct ward_report *report,
		    bool names)
{
	text_utc(out, report->utc_s, report->utc_ns);
	text_put(out, " ward #");
	text_number(out, report->id, 1);
	text_char(out, ' ');
	text_put(out, ward_kind_name(report->kind));
	text_put(out, ": ");
	text_escaped(out, string(report->what));
	text_words(out, report);
	text_who(out, report);
	text_why(out, report);
	text_where(out, report, names);
	text_which(out, report);
	key_number(out, "suppressed", report->suppressed);
	key(out, "at");
	text_number(out, report->at / 1000000000u, 1);
	text_char(out, '.');
	text_number(out, report->at % 1000000000u, 9);
}

/* ---- JSON ------------------------------------------------------------------------ */

static void name(struct text *out, const char *of)
{
	text_put(out, ",\"");
	text_put(out, of);
	text_put(out, "\":");
}

static void json_string(struct text *out, const char *of, const char *value)
{
	name(out, of);
	text_quoted(out, string(value));
}

static void json_number(struct text *out, const char *of, uint64_t value)
{
	name(out, of);
	text_number(out, value, 1);
}

static void json_or_null(struct text *out, const char *of, int64_t value,
			 bool known)
{
	name(out, of);
	if (known)
		text_signed(out, value);
	else
		text_put(out, "null");
}

static void json_hex(struct text *out, const char *of, uint64_t value)
{
	name(out, of);
	text_char(out, '"');
	text_hex(out, value);
	text_char(out, '"');
}

static void json_words(struct text *out, const struct ward_report *report)
{
	json_string(out, "message", report->message);
	json_string(out, "user", report->user);
	name(out, "known");
	text_put(out, report->known ? "true" : "false");
	json_or_null(out, "err", report->err, true);
	json_or_null(out, "signo", report->signo, true);
	json_hex(out, "addr", (uintptr_t)report->addr);
	json_number(out, "cause", report->cause);
}

static void json_who(struct text *out, const struct ward_report *report)
{
	json_string(out, "pool", report->pool);
	json_or_null(out, "worker", report->worker,
		     report->worker != UINT32_MAX);
	json_or_null(out, "tid", report->tid, true);
	json_string(out, "task", report->task);
	json_number(out, "attempt", report->attempt);
}

static void json_why(struct text *out, const struct ward_report *report)
{
	const struct ward_ledger *ledger = &report->ledger;

	name(out, "ledger");
	text_put(out, "{\"silence\":");
	text_number(out, ledger->silence, 1);
	json_number(out, "busy", ledger->busy);
	json_number(out, "blocked", ledger->blocked);
	json_number(out, "starved", ledger->starved);
	json_number(out, "stopped", ledger->stopped);
	json_number(out, "blind", ledger->blind);
	text_char(out, '}');
	json_number(out, "budget", report->budget);
	json_number(out, "heal", report->heal);
}

static void json_where(struct text *out, const struct ward_report *report,
		       bool names)
{
	char state[2] = { report->state, '\0' };

	json_string(out, "state", state);
	json_or_null(out, "syscall", report->syscall, report->syscall >= 0);
	json_hex(out, "syscall_arg", report->syscall_arg);
	json_or_null(out, "holder", report->holder, true);
	json_string(out, "chain", report->chain);
	name(out, "frames");
	text_char(out, '[');
	all_frames(out, report, names, ",", json_frame);
	text_char(out, ']');
	json_string(out, "trace", report->trace);
}

/* A hash has 64 bits; many readers' numbers have fewer. */
static void json_which(struct text *out, const struct ward_report *report)
{
	json_hex(out, "hash", report->hash);
	json_number(out, "seen", report->seen);
	json_string(out, "host", report->host);
	json_string(out, "boot", report->boot);
	json_or_null(out, "pid", report->pid, true);
}

static void as_json(struct text *out, const struct ward_report *report,
		    bool names)
{
	text_put(out, "{\"id\":");
	text_number(out, report->id, 1);
	json_string(out, "kind", ward_kind_name(report->kind));
	name(out, "utc");
	text_char(out, '"');
	text_utc(out, report->utc_s, report->utc_ns);
	text_char(out, '"');
	json_number(out, "at", report->at);
	json_string(out, "what", report->what);
	json_words(out, report);
	json_who(out, report);
	json_why(out, report);
	json_where(out, report, names);
	json_which(out, report);
	json_number(out, "suppressed", report->suppressed);
	text_char(out, '}');
}

int format_line(const struct ward_report *report, char *buf, size_t len,
		bool names)
{
	struct text out = { .buf = buf, .len = len };

	as_text(&out, report, names);
	return text_end(&out);
}

int ward_report_format(const struct ward_report *report, char *buf, size_t len,
		       bool json)
{
	struct text out = { .buf = buf, .len = len };

	if (!report || (!buf && len > 0))
		return -EINVAL;
	if (!json)
		return format_line(report, buf, len, true);
	as_json(&out, report, true);
	return text_end(&out);
}
