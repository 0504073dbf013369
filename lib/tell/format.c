/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.c - a report as one line, of text or of JSON; a frame of a backtrace, in words.
 *
 * JSON has every field always: spans in ns; null, 0 or "" if it is not known.
 * Text leaves those out.
 */
#include "tell/format.h"
#include "base/host_symbol.h"
#include "tell/text.h"

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

/* ---- fields ---------------------------------------------------------------------- */

struct line {
	struct text text;
	bool json;
	bool names; /* of functions, for frames */
};

/* Only JSON has quotes around what cannot be mistaken. */
static void quote(struct line *line)
{
	if (line->json)
		text_char(&line->text, '"');
}

/* True: the value is to follow. */
static bool put_name(struct line *line, const char *name, bool known)
{
	if (!line->json && !known)
		return false;
	text_put(&line->text, line->json ? ",\"" : " ");
	text_put(&line->text, name);
	text_put(&line->text, line->json ? "\":" : "=");
	return true;
}

static void put_string(struct line *line, const char *name, const char *value)
{
	if (put_name(line, name, *string(value)))
		text_quoted(&line->text, string(value));
}

static void put_signed(struct line *line, const char *name, int64_t value)
{
	if (put_name(line, name, value))
		text_signed(&line->text, value);
}

static void put_number(struct line *line, const char *name, uint64_t value)
{
	if (put_name(line, name, value))
		text_number(&line->text, value, 1);
}

/* One that may be 0. */
static void put_if(struct line *line, const char *name, int64_t value,
		   bool known)
{
	if (put_name(line, name, known) && known)
		text_signed(&line->text, value);
	else if (line->json)
		text_put(&line->text, "null");
}

static void put_bool(struct line *line, const char *name, bool value)
{
	if (put_name(line, name, value))
		text_put(&line->text, !line->json ? "yes" :
				      value	  ? "true" :
						    "false");
}

static void put_span(struct line *line, const char *name, ward_ns value)
{
	if (line->json)
		put_number(line, name, value);
	else if (put_name(line, name, value))
		text_span(&line->text, value);
}

/* It may have 64 bits; many readers' numbers have fewer. */
static void put_hex(struct line *line, const char *name, uint64_t value,
		    bool known)
{
	if (!put_name(line, name, known))
		return;
	quote(line);
	text_hex(&line->text, value);
	quote(line);
}

/* ---- frames ---------------------------------------------------------------------- */

/* "app+0x1234" */
static void frame_place(struct text *out, void *frame)
{
	uint64_t offset;
	const char *object = host_object(frame, &offset);

	if (*object) {
		text_escaped(out, basename(object));
		text_char(out, '+');
	}
	text_hex(out, *object ? offset : (uintptr_t)frame);
}

/*
 * "parse+0x1a (json.c:33)"; false, and nothing put: it has no name.  Without a line, the
 * object says at least whose function it is.
 */
static bool frame_symbol(struct text *out, void *frame, enum host_code what)
{
	struct host_symbol symbol;
	uint64_t offset;

	if (!host_symbol(frame, what, &symbol))
		return false;
	if (*symbol.name) {
		text_escaped(out, symbol.name);
		text_char(out, '+');
		text_hex(out, symbol.offset);
	} else {
		frame_place(out, frame);
	}
	text_put(out, " (");
	if (*symbol.file) {
		text_escaped(out, symbol.file);
		text_part(out, ':', symbol.line, 1);
	} else {
		text_escaped(out, basename(host_object(frame, &offset)));
	}
	text_char(out, ')');
	return true;
}

int ward_frame_format(void *frame, char *buf, size_t len)
{
	struct text out = { .buf = buf, .len = len };

	if (!buf && len > 0)
		return -EINVAL;
	if (!frame_symbol(&out, frame, HOST_CODE_UNKNOWN))
		frame_place(&out, frame);
	return text_end(&out);
}

/*
 * A thread that tells its own failure does so in a call, as each frame but the innermost
 * is one; of others the innermost frame is where they were.
 */
static enum host_code what_is(const struct ward_report *report, uint32_t i)
{
	return i > 0 || report->kind == WARD_R_ERROR ? HOST_CODE_RETURN :
						       HOST_CODE_AT;
}

static void text_frame(struct line *line, void *frame, enum host_code what)
{
	if (!line->names || !frame_symbol(&line->text, frame, what))
		frame_place(&line->text, frame);
}

static void json_frame(struct line *line, void *frame, enum host_code what)
{
	uint64_t offset;
	const char *object = host_object(frame, &offset);

	text_put(&line->text, "{\"address\":\"");
	text_hex(&line->text, (uintptr_t)frame);
	quote(line);
	put_string(line, "object", object);
	put_hex(line, "offset", offset, true);
	put_name(line, "symbol", true);
	quote(line);
	if (line->names)
		frame_symbol(&line->text, frame, what);
	text_put(&line->text, "\"}");
}

static void put_frames(struct line *line, const struct ward_report *report)
{
	if (line->names)
		host_symbol_hold(); /* read once for all of them */
	for (uint32_t i = 0; i < report->nframes; i++) {
		if (i > 0)
			text_put(&line->text, line->json ? "," : ", ");
		(line->json ? json_frame : text_frame)(
			line, report->frames[i], what_is(report, i));
	}
	if (line->names)
		host_symbol_drop();
}

/* ---- the report ------------------------------------------------------------------ */

/* 2026-11-21T08:45:30.641895546Z ward #17 blocked: what it was. */
static void text_head(struct line *line, const struct ward_report *report)
{
	text_utc(&line->text, report->utc_s, report->utc_ns);
	text_put(&line->text, " ward #");
	text_number(&line->text, report->id, 1);
	text_char(&line->text, ' ');
	text_put(&line->text, ward_kind_name(report->kind));
	text_put(&line->text, ": ");
	text_escaped(&line->text, string(report->what));
}

static void json_head(struct line *line, const struct ward_report *report)
{
	text_put(&line->text, "{\"id\":");
	text_number(&line->text, report->id, 1);
	put_string(line, "kind", ward_kind_name(report->kind));
	put_name(line, "utc", true);
	quote(line);
	text_utc(&line->text, report->utc_s, report->utc_ns);
	quote(line);
	put_number(line, "at", report->at);
	put_string(line, "what", report->what);
}

/* A fault always has an address, NULL is the most frequent one; the end of a process none. */
static void put_words(struct line *line, const struct ward_report *report)
{
	put_string(line, "message", report->message);
	if (line->json || strcmp(string(report->user), string(report->message)))
		put_string(line, "user", report->user);
	put_bool(line, "known", report->known);
	put_signed(line, "err", report->err);
	put_signed(line, "signo", report->signo);
	put_hex(line, "addr", (uintptr_t)report->addr,
		report->signo && !report->ended);
	put_number(line, "cause", report->cause);
}

static void put_who(struct line *line, const struct ward_report *report)
{
	put_string(line, "pool", report->pool);
	put_if(line, "worker", report->worker, report->worker != UINT32_MAX);
	put_signed(line, "tid", report->tid);
	put_string(line, "task", report->task);
	put_number(line, "attempt", report->attempt);
}

static void put_why(struct line *line, const struct ward_report *report)
{
	const struct ward_ledger *ledger = &report->ledger;

	if (line->json) {
		text_put(&line->text, ",\"ledger\":{\"silence\":");
		text_number(&line->text, ledger->silence, 1);
	} else {
		put_span(line, "silence", ledger->silence);
	}
	put_span(line, "busy", ledger->busy);
	put_span(line, "blocked", ledger->blocked);
	put_span(line, "starved", ledger->starved);
	put_span(line, "stopped", ledger->stopped);
	put_span(line, "blind", ledger->blind);
	if (line->json)
		text_char(&line->text, '}');
	put_span(line, "budget", report->budget);
	put_span(line, "heal", report->heal);
}

static void put_where(struct line *line, const struct ward_report *report)
{
	char state[2] = { report->state, '\0' };
	bool calls = report->syscall >= 0;
	bool traced = report->frames && report->nframes > 0;

	if (put_name(line, "state", *state)) {
		quote(line);
		text_escaped(&line->text, state);
		quote(line);
	}
	put_if(line, "syscall", report->syscall, calls);
	put_hex(line, line->json ? "syscall_arg" : "arg", report->syscall_arg,
		calls);
	put_signed(line, "holder", report->holder);
	put_string(line, "chain", report->chain);
	if (put_name(line, line->json ? "frames" : "trace", traced)) {
		text_char(&line->text, line->json ? '[' : '"');
		if (traced)
			put_frames(line, report);
		text_char(&line->text, line->json ? ']' : '"');
	}
	if (line->json || !traced)
		put_string(line, "trace", report->trace);
}

/* Of a process that has ended. */
static void put_end(struct line *line, const struct ward_report *report)
{
	put_if(line, "exit", report->exit_code, report->ended && !report->signo);
	put_bool(line, "core", report->core);
	put_span(line, "cpu", report->cpu);
	put_number(line, "peak", report->peak);
}

static void put_which(struct line *line, const struct ward_report *report)
{
	put_hex(line, "hash", report->hash, report->hash);
	put_number(line, "seen", report->seen);
	put_string(line, "host", report->host);
	put_string(line, "boot", report->boot);
	put_signed(line, "pid", report->pid);
	put_number(line, "suppressed", report->suppressed);
}

static void text_at(struct line *line, ward_ns at)
{
	put_name(line, "at", true);
	text_number(&line->text, at / 1000000000u, 1);
	text_part(&line->text, '.', at % 1000000000u, 9);
}

static int put_line(struct line *line, const struct ward_report *report)
{
	(line->json ? json_head : text_head)(line, report);
	put_words(line, report);
	put_who(line, report);
	put_why(line, report);
	put_where(line, report);
	put_end(line, report);
	put_which(line, report);
	if (line->json)
		text_char(&line->text, '}');
	else
		text_at(line, report->at);
	return text_end(&line->text);
}

int format_line(const struct ward_report *report, char *buf, size_t len,
		bool names)
{
	struct line line = { { buf, len, 0 }, .names = names };

	return put_line(&line, report);
}

int ward_report_format(const struct ward_report *report, char *buf, size_t len,
		       bool json)
{
	struct line line = { { buf, len, 0 }, .json = json, .names = true };

	return report && (buf || !len) ? put_line(&line, report) : -EINVAL;
}
