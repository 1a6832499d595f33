/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files replaced and removed as a whole, durably. Must not know what is in them. */
#include "lib/base/durable.h"

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct names {
	char *dir, *new;
};

static void names_done(struct names *n)
{
	mem_freep(&n->dir);
	mem_freep(&n->new);
}

static int make_names(const char *path, struct names *ret, struct hft_err *err)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, path, "no file of a directory");
	ret->dir = str_dup_n(path, (size_t)(slash - path));
	ret->new = str_printf("%.*s/.%s.hfttune-new", (int)(slash - path), path, slash + 1);
	return ret->dir != NULL && ret->new != NULL ? 0 : err_oom(err);
}

/* What a call that was killed left behind. */
static int clear(struct fsio *fs, const char *path, struct hft_err *err)
{
	int r = fsio_unlink(fs, path, err);

	return r == -ENOENT ? 0 : r;
}

static int write_new(struct fsio *fs, const char *path, const void *bytes, size_t size, mode_t mode,
                     struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = -1;

	int r = fsio_create(fs, path, mode, &fd, err);
	if (r == 0 && size > 0)
		r = fsio_append(fd, bytes, size, path, err);
	return r == 0 ? fsio_datasync(fd, path, err) : r;
}

int durable_replace(struct fsio *fs, const char *path, const void *bytes, size_t size, mode_t mode,
                    struct hft_err *err)
{
	CLEANUP(names_done) struct names n = { 0 };

	int r = make_names(path, &n, err);
	if (r == 0)
		r = clear(fs, n.new, err);
	if (r < 0)
		return r;
	r = write_new(fs, n.new, bytes, size, mode, err);
	if (r == 0)
		r = fsio_rename(fs, n.new, path, err);
	if (r < 0) {
		fsio_unlink(fs, n.new, NULL);
		return r;
	}
	return fsio_sync_dir(fs, n.dir, err);
}

int durable_remove(struct fsio *fs, const char *path, struct hft_err *err)
{
	CLEANUP(names_done) struct names n = { 0 };

	int r = make_names(path, &n, err);
	if (r == 0)
		r = clear(fs, n.new, err);
	if (r == 0)
		r = clear(fs, path, err);
	return r == 0 ? fsio_sync_dir(fs, n.dir, err) : r;
}
