/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_symbol.c - symbols and lines by libdwfl.
 *
 * Objects are not looked for: each is reported to libdwfl when code of its is asked
 * for, as the loader has it at that moment (host_object.c), so that none loaded
 * later is missed, and none that is gone is taken for another in its place.  Its
 * file is believed only if it begins as the memory does: the one that was loaded
 * may have been replaced.
 *
 * Separate debug information is found by its build id, on this machine only:
 * libdwfl's own way may ask a server.
 */
#include "base/host_symbol.h"
#include "base/host_inside.h"
#include "base/host_lock.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct host_lock lock;
static Dwfl *session; /* NULL: nothing is read yet */
static _Atomic uint32_t users;

/* ---- files ------------------------------------------------------------------ */

enum { HEAD = 1024 }; /* ELF header, program headers, and mostly the build id */

static bool as_loaded(Elf *elf, Dwarf_Addr start)
{
	size_t size = 0;
	const char *head = elf ? elf_rawfile(elf, &size) : NULL;

	return head && size >= HEAD &&
	       memcmp(head, (const void *)(uintptr_t)start, HEAD) == 0;
}

/* libdwfl gets the mapped file; no descriptor stays open. */
static int open_object(Dwfl_Module *module, void **user, const char *name,
		       Dwarf_Addr base, char **path, Elf **elf)
{
	/* The program's name may be another file's by now. */
	int fd = host_open(host_object_is_program(name) ? "/proc/thread-self/exe" :
							  name);

	(void)module;
	(void)user;
	*path = NULL;
	*elf = NULL;
	if (fd < 0)
		return -1;
	*elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!as_loaded(*elf, base)) {
		elf_end(*elf);
		*elf = NULL;
	} else {
		elf_cntl(*elf, ELF_C_FDDONE);
	}
	host_close(fd);
	return -1;
}

static int open_debuginfo(Dwfl_Module *module, void **user, const char *name,
			  Dwarf_Addr base, const char *object,
			  const char *link, GElf_Word crc, char **path)
{
	static const char folder[] = "/usr/lib/debug/.build-id/";
	char file[sizeof(folder) + 2 * 64 + sizeof("/.debug")];
	const unsigned char *id;
	GElf_Addr where;
	int len = dwfl_module_build_id(module, &id, &where);
	char *at = file + sizeof(folder) - 1;

	(void)user;
	(void)name;
	(void)base;
	(void)object;
	(void)link;
	(void)crc;
	*path = NULL;
	if (len < 2 || len > 64)
		return -1;
	memcpy(file, folder, sizeof(folder));
	for (int i = 0; i < len; i++)
		at += sprintf(at, i == 1 ? "/%02x" : "%02x", id[i]);
	strcpy(at, ".debug");
	return host_open(file);
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = open_object,
	.find_debuginfo = open_debuginfo,
};

/* ---- objects ---------------------------------------------------------------- */

static bool is_of(Dwfl_Module *module, const struct host_range *range)
{
	Dwarf_Addr start;
	const char *name = dwfl_module_info(module, NULL, &start, NULL, NULL,
					    NULL, NULL, NULL);

	return start == range->start && strcmp(name, range->name) == 0;
}

static Dwfl_Module *module_of(const void *code)
{
	struct host_range range;
	Dwfl_Module *module;

	if (!host_object_range(code, &range))
		return NULL;
	module = dwfl_addrmodule(session, (uintptr_t)code);
	if (module && is_of(module, &range))
		return module;
	if (module) /* of an object that is gone: begin anew */
		dwfl_report_begin(session);
	else
		dwfl_report_begin_add(session);
	module = dwfl_report_module(session, range.name, range.start,
				    range.end);
	return dwfl_report_end(session, NULL, NULL) == 0 ? module : NULL;
}

/* ---- names ------------------------------------------------------------------ */

static bool describe(Dwfl_Module *module, const void *code, unsigned back,
		     struct host_symbol *out)
{
	Dwarf_Addr at = (uintptr_t)code - back;
	GElf_Off offset = 0;
	GElf_Sym symbol;
	const char *name = dwfl_module_addrinfo(module, at, &offset, &symbol,
						NULL, NULL, NULL);
	Dwfl_Line *place = dwfl_module_getsrc(module, at);
	const char *file;
	int line = 0;

	*out = (struct host_symbol){ .offset = offset + back };
	if (name)
		strncpy(out->name, name, sizeof(out->name) - 1);
	file = place ? dwfl_lineinfo(place, NULL, &line, NULL, NULL, NULL) :
		       NULL;
	if (file && line > 0) {
		strncpy(out->file, basename(file), sizeof(out->file) - 1);
		out->line = (uint32_t)line;
	}
	return *out->name || *out->file;
}

/*
 * A call that does not return may be the last of its function: behind it is
 * another.
 */
static bool look_up(const void *code, enum host_code what,
		    struct host_symbol *out)
{
	Dwfl_Module *module = session ? module_of(code) : NULL;
	bool known;

	if (!module)
		return false;
	if (what == HOST_CODE_RETURN)
		return describe(module, code, 1, out);
	known = describe(module, code, 0, out);
	if (what == HOST_CODE_AT || (known && *out->name && !out->offset))
		return known;
	return describe(module, code, 1, out);
}

/* ---- the session ------------------------------------------------------------ */

static void enter(int *cancel)
{
	/* libdw's open() and read() are cancellation points. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, cancel);
	if (!host_lock_take(&lock))
		session = NULL; /* half done, in the parent: nothing to free */
}

static void leave(int cancel)
{
	if (session && !load_acquire(&users)) {
		dwfl_end(session);
		session = NULL;
	}
	host_lock_give(&lock);
	pthread_setcancelstate(cancel, NULL);
}

bool host_symbol(const void *code, enum host_code what, struct host_symbol *out)
{
	int saved = errno, cancel;
	bool known;

	enter(&cancel);
	if (!session) {
		elf_version(EV_CURRENT);
		session = dwfl_begin(&callbacks);
	}
	known = look_up(code, what, out);
	leave(cancel);
	errno = saved;
	return known;
}

void host_symbol_hold(void)
{
	add_acq_rel(&users, 1);
}

void host_symbol_drop(void)
{
	int cancel;

	if (sub_acq_rel(&users, 1) > 1)
		return;
	enter(&cancel);
	leave(cancel);
}
