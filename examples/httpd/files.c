/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way from a client's path to a file: percent signs are decoded, and the
 * kernel resolves the rest beneath the root directory.  It refuses "..", links
 * and whatever else would lead outside, in one step, so there is no moment
 * between looking and opening in which somebody could change the tree.
 */
#include "files.h"

#include "range.h"
#include "request.h"
#include "server.h"
#include "types.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Up to here a file is read by the worker; beyond, the loop uses sendfile. */
#define FILES_READ_MOST (256 * 1024)

static int open_beneath(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_RDONLY | O_CLOEXEC | O_NOCTTY |
				    O_NONBLOCK),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int files_open_root(const char *dir)
{
	int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root < 0)
		return -errno;
	fd = open_beneath(root, ".", O_DIRECTORY);
	if (fd < 0) {
		close(root);
		return fd;
	}
	close(fd);
	return root;
}

/* ---- the path ------------------------------------------------------------- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes into 'out'.  -EINVAL: a bad escape, or an encoded NUL. */
static int decode(const char *in, char *out, size_t room)
{
	for (; *in; in++, out++, room--) {
		if (room <= 1)
			return -ENAMETOOLONG;
		*out = *in;
		if (*in != '%')
			continue;
		if (hex(in[1]) < 0 || hex(in[2]) < 0)
			return -EINVAL;
		*out = (char)(hex(in[1]) * 16 + hex(in[2]));
		if (!*out)
			return -EINVAL;
		in += 2;
	}
	*out = '\0';
	return 0;
}

static const char *below(const char *path)
{
	return path + strspn(path, "/");
}

/* ---- answers -------------------------------------------------------------- */

static int refuse(struct answer *answer, int err)
{
	switch (err) {
	case -EINVAL:
		return answer_text(answer, 400, "400 bad path");
	case -ENOENT:
	case -ENOTDIR:
		return answer_text(answer, 404, "404 not found");
	case -EXDEV: /* leads outside of the root */
	case -EACCES:
	case -EPERM:
	case -ELOOP:
	case -ENXIO: /* a socket or a FIFO */
	case -ENODEV:
		return answer_text(answer, 403, "403 forbidden");
	case -ENAMETOOLONG:
		return answer_text(answer, 414, "414 path too long");
	default: /* no descriptors, no memory, a disk in trouble */
		return err;
	}
}

static int redirect(struct request *req)
{
	struct answer *answer = &req->answer;
	int err = answer_text(answer, 301, "301 this is a directory");

	/* One slash in front: "//name/" would be another host. */
	if (!err)
		err = answer_header(answer, "Location", "/%s/%s%s",
				    below(req->path), *req->query ? "?" : "",
				    req->query);
	return err;
}

/* The part of the file that was asked for becomes the body. */
static int fill(struct request *req, off_t from, off_t len)
{
	struct evbuffer *body = req->answer.body;
	struct evbuffer_iovec space;
	ssize_t n;

	req->answer.length = len;
	if (req->head || !len)
		return 0;
	if (len > FILES_READ_MOST) {
		if (evbuffer_add_file(body, req->file, from, len))
			return -ENOMEM;
		req->file = -1; /* now the buffer's, which closes it */
		return 0;
	}
	if (evbuffer_reserve_space(body, len, &space, 1) != 1)
		return -ENOMEM;
	n = pread(req->file, space.iov_base, (size_t)len, from);
	if (n < 0)
		return -errno;
	if (n < len)
		return -EIO; /* it shrank since we looked */
	space.iov_len = (size_t)len;
	return evbuffer_commit_space(body, &space, 1) ? -ENOMEM : 0;
}

static int serve(struct request *req, const char *path, const struct stat *st)
{
	struct answer *answer = &req->answer;
	off_t from = 0, len = st->st_size;
	int err;

	err = answer_date(answer, "Last-Modified", st->st_mtime);
	if (err)
		return err;
	if (req->since && st->st_mtime <= req->since) {
		answer->code = 304;
		return 0;
	}
	switch (range_parse(req->range, st->st_size, &from, &len)) {
	case RANGE_OUTSIDE:
		err = answer_text(answer, 416, "416 no such range");
		return err ? err
			   : answer_header(answer, "Content-Range",
					   "bytes */%lld",
					   (long long)st->st_size);
	case RANGE_PART:
		answer->code = 206;
		err = answer_header(answer, "Content-Range",
				    "bytes %lld-%lld/%lld", (long long)from,
				    (long long)(from + len - 1),
				    (long long)st->st_size);
		break;
	case RANGE_WHOLE:
		break;
	}
	if (!err)
		err = answer_header(answer, "Accept-Ranges", "bytes");
	if (!err)
		err = answer_header(answer, "X-Content-Type-Options",
				    "nosniff");
	if (!err)
		err = answer_body(answer, type_of(path));
	return err ? err : fill(req, from, len);
}

int files_run(struct request *req)
{
	char path[PATH_MAX];
	const char *name;
	struct stat st;
	int err;

	err = decode(below(req->path), path, sizeof(path) - 16);
	if (err)
		return refuse(&req->answer, err);
	name = below(path);
	if (!*name || name[strlen(name) - 1] == '/')
		strcat(path, "index.html");
	/*
	 * It hangs on the request at once: should this thread be lost in the
	 * next lines, request_drop() still closes it.
	 */
	req->file = open_beneath(req->server->root, name, 0);
	if (req->file < 0)
		return refuse(&req->answer, req->file);
	if (fstat(req->file, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return redirect(req);
	if (!S_ISREG(st.st_mode))
		return refuse(&req->answer, -EACCES);
	return serve(req, name, &st);
}
