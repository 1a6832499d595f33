/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files replaced, edited and removed as a whole, durably. Must not know what is in them. */
#include "lib/base/durable.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct names {
	char *dir, *new, *original;
};

static void names_done(struct names *n)
{
	mem_freep(&n->dir);
	mem_freep(&n->new);
	mem_freep(&n->original);
}

static int make_names(const char *path, struct names *ret, struct hft_err *err)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return err_raise(err, ERR_INVALID_ARGUMENT, EINVAL, path, "no file of a directory");
	ret->dir = str_dup_n(path, (size_t)(slash - path));
	ret->new = str_printf("%.*s/.%s.hfttune-new", (int)(slash - path), path, slash + 1);
	ret->original = str_printf("%.*s/.%s.hfttune-original", (int)(slash - path), path, slash + 1);
	return ret->dir != NULL && ret->new != NULL && ret->original != NULL ? 0 : err_oom(err);
}

/* What a call that was killed left behind. */
static int clear(struct fsio *fs, const char *path, struct hft_err *err)
{
	int r = fsio_unlink(fs, path, err);

	return r == -ENOENT ? 0 : r;
}

/* 0 with whether it is there. Not to know is an error: fsio_exists() would say no. */
static int look(struct fsio *fs, const char *path, bool *ret, struct hft_err *err)
{
	struct stat st;

	int r = fsio_stat(fs, path, &st, err);
	*ret = r == 0;
	return r == -ENOENT ? 0 : r;
}

/* like: the file whose owner, mode and attributes it gets; NULL: those of the process, and `mode`. */
static int write_new(struct fsio *fs, const char *path, const void *bytes, size_t size, mode_t mode, const char *like,
                     struct hft_err *err)
{
	CLEANUP(mem_closep) int fd = -1;

	int r = fsio_create(fs, path, mode, &fd, err);
	if (r == 0 && like != NULL)
		r = fsio_copy_attributes(fs, like, fd, err);
	if (r == 0 && size > 0)
		r = fsio_append(fd, bytes, size, path, err);
	return r == 0 ? fsio_datasync(fd, path, err) : r;
}

static int replace(struct fsio *fs, const struct names *n, const char *path, const void *bytes, size_t size, mode_t mode,
                   const char *like, struct hft_err *err)
{
	int r = clear(fs, n->new, err);

	if (r < 0)
		return r;
	r = write_new(fs, n->new, bytes, size, mode, like, err);
	if (r == 0)
		r = fsio_rename(fs, n->new, path, err);
	if (r < 0) {
		fsio_unlink(fs, n->new, NULL);
		return r;
	}
	return fsio_sync_dir(fs, n->dir, err);
}

int durable_replace(struct fsio *fs, const char *path, const void *bytes, size_t size, mode_t mode,
                    struct hft_err *err)
{
	CLEANUP(names_done) struct names n = { 0 };

	int r = make_names(path, &n, err);
	return r == 0 ? replace(fs, &n, path, bytes, size, mode, NULL, err) : r;
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

/* --- a file with its directory ------------------------------------------------------------------------------------ */

struct place {
	struct names file, dir; /* of the file, and of its directory as a name in the one above */
	char *inside;           /* the file, in the directory under its other name */
};

static void place_done(struct place *p)
{
	names_done(&p->file);
	names_done(&p->dir);
	mem_freep(&p->inside);
}

static int make_place(const char *path, struct place *ret, struct hft_err *err)
{
	int r = make_names(path, &ret->file, err);

	if (r == 0)
		r = make_names(ret->file.dir, &ret->dir, err);
	if (r < 0)
		return r;
	ret->inside = str_printf("%s%s", ret->dir.new, strrchr(path, '/'));
	return ret->inside != NULL ? 0 : err_oom(err);
}

/* The directory under its other name, with all that calls of ours can have left in it. */
static int clear_dir(struct fsio *fs, const struct place *p, struct hft_err *err)
{
	CLEANUP(names_done) struct names inside = { 0 };
	bool there;

	int r = look(fs, p->dir.new, &there, err);
	if (r < 0 || !there)
		return r;
	r = make_names(p->inside, &inside, err);
	if (r == 0)
		r = clear(fs, inside.new, err);
	if (r == 0)
		r = clear(fs, p->inside, err);
	return r == 0 ? fsio_rmdir(fs, p->dir.new, err) : r;
}

int durable_replace_in_dir(struct fsio *fs, const char *path, const void *bytes, size_t size, mode_t mode,
                           struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };
	bool there = false;

	int r = make_place(path, &p, err);
	if (r == 0)
		r = clear_dir(fs, &p, err);
	if (r == 0)
		r = look(fs, p.file.dir, &there, err);
	if (r < 0 || there)
		return r < 0 ? r : replace(fs, &p.file, path, bytes, size, mode, NULL, err);
	r = fsio_mkdirs(fs, p.dir.new, 0755, err);
	if (r == 0)
		r = write_new(fs, p.inside, bytes, size, mode, NULL, err);
	if (r == 0)
		r = fsio_sync_dir(fs, p.dir.new, err);
	if (r == 0)
		r = fsio_rename(fs, p.dir.new, p.file.dir, err);
	if (r < 0) {
		clear_dir(fs, &p, NULL);
		return r;
	}
	return fsio_sync_dir(fs, p.dir.dir, err);
}

/* Is nothing in the directory but the file, and what calls of ours have left? -ENOENT: there is no directory. */
static int is_alone(struct fsio *fs, const struct place *p, const char *path, bool *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist names = { 0 };

	int r = fsio_list(fs, p->file.dir, &names, err);
	*ret = true;
	for (size_t i = 0; i < names.n; i++)
		*ret = *ret && (str_eq(names.s[i], strrchr(path, '/') + 1) ||
		                str_eq(names.s[i], strrchr(p->file.new, '/') + 1));
	return r;
}

int durable_remove_with_dir(struct fsio *fs, const char *path, struct hft_err *err)
{
	CLEANUP(place_done) struct place p = { 0 };
	bool alone = false;

	int r = make_place(path, &p, err);
	if (r == 0)
		r = clear_dir(fs, &p, err);
	if (r == 0)
		r = is_alone(fs, &p, path, &alone, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!alone)
		return durable_remove(fs, path, err);
	r = fsio_rename(fs, p.file.dir, p.dir.new, err);
	if (r == 0)
		r = fsio_sync_dir(fs, p.dir.dir, err);
	return r == 0 ? clear_dir(fs, &p, err) : r;
}

/* --- somebody else's file ----------------------------------------------------------------------------------------- */

int durable_original(const char *path, char **ret, struct hft_err *err)
{
	CLEANUP(names_done) struct names n = { 0 };

	int r = make_names(path, &n, err);
	if (r == 0)
		*ret = TAKE_PTR(n.original);
	return r;
}

int durable_edit(struct fsio *fs, const char *path, const void *bytes, size_t size, struct hft_err *err)
{
	CLEANUP(names_done) struct names n = { 0 };
	bool kept = false;

	int r = make_names(path, &n, err);
	if (r == 0)
		r = look(fs, n.original, &kept, err);
	if (r == 0 && !kept) {
		r = fsio_link(fs, path, n.original, err);
		if (r == 0)
			r = fsio_sync_dir(fs, n.dir, err);
	}
	return r == 0 ? replace(fs, &n, path, bytes, size, 0600, path, err) : r;
}

int durable_restore(struct fsio *fs, const char *path, struct hft_err *err)
{
	CLEANUP(names_done) struct names n = { 0 };
	bool kept = false;

	int r = make_names(path, &n, err);
	if (r == 0)
		r = clear(fs, n.new, err);
	if (r == 0)
		r = look(fs, n.original, &kept, err);
	if (r < 0 || !kept)
		return r;
	/* Two names of one file (kept, and then not changed): rename(2) does nothing, so the second one has to go. */
	r = fsio_rename(fs, n.original, path, err);
	if (r == 0)
		r = clear(fs, n.original, err);
	return r == 0 ? fsio_sync_dir(fs, n.dir, err) : r;
}

int durable_forget(struct fsio *fs, const char *path, struct hft_err *err)
{
	CLEANUP(names_done) struct names n = { 0 };

	int r = make_names(path, &n, err);
	if (r == 0)
		r = clear(fs, n.new, err);
	if (r == 0)
		r = clear(fs, n.original, err);
	return r == 0 ? fsio_sync_dir(fs, n.dir, err) : r;
}
