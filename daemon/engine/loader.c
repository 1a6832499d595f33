/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where profiles and host.conf come from. What is not the administrator's own is refused, not read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/engine/session.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define HOST_CONF "/etc/hfttune/host.conf"
#define WANTED "a regular file of at most 1 MiB, and no link"

/* A file that others may write could tell a root daemon what to do. */
static int check_owner(struct fsio *fs, const char *path, struct hft_err *err)
{
	uid_t uid;
	mode_t mode;
	int r = fsio_owner(fs, path, &uid, &mode, err);

	if (r < 0)
		return r;
	if ((uid == 0 || uid == geteuid()) && !(mode & (S_IWGRP | S_IWOTH)))
		return 0;
	err_raise(err, ERR_INVALID_PROFILE, EPERM, path, "%s is writable by others than root", path);
	err_where(err, path, 0);
	err_hint(err, "chown root and chmod go-w, if you trust what it says");
	return -EPERM;
}

static int read_file(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err)
{
	int r = fsio_read_file(fs, path, PROFILE_FILE_MAX, ret, err);

	if (r == -ENOENT)
		return r;
	if (r == 0)
		return check_owner(fs, path, err);
	/* A directory, a device, a link or a giant: the profile is what is wrong, not the machine. */
	if (err && (r == -EISDIR || r == -EFBIG || r == -EINVAL || r == -ELOOP)) {
		err->code = ERR_INVALID_PROFILE;
		err_where(err, path, 0);
		err_values(err, WANTED, NULL);
	}
	return r;
}

static int load(void *data, const char *name, struct strbuf *ret_path, struct strbuf *ret_text, struct hft_err *err)
{
	const struct engine *e = data;

	for (size_t i = 0; i < e->profile_dirs.n; i++) {
		CLEANUP(mem_freep) char *path = str_printf("%s/%s.conf", e->profile_dirs.s[i], name);
		int r;

		if (!path)
			return err_oom(err);
		r = read_file(e->files, path, ret_text, err);
		if (r == -ENOENT)
			continue;
		if (r == 0)
			r = check_owner(e->files, e->profile_dirs.s[i], err);
		strbuf_add(ret_path, path);
		return r;
	}
	err_raise(err, ERR_NO_PROFILE, ENOENT, name, "there is no profile \"%s\"", name);
	err_hint(err, "`hfttune profiles` lists what there is");
	return -ENOENT;
}

static int load_host_conf(void *data, struct strbuf *ret_path, struct strbuf *ret_text, struct hft_err *err)
{
	const struct engine *e = data;
	const char *path = e->host_conf ? e->host_conf : HOST_CONF;
	int r = read_file(e->host_conf ? e->files : e->fs, path, ret_text, err);

	if (r == -ENOENT && !e->host_conf)
		return 0;
	if (r < 0)
		return r;
	strbuf_add(ret_path, path);
	return 1;
}

int session_host_conf(void *data, const char *section, const char *name, struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(strbuf_done) struct strbuf text = {0};
	int r = load_host_conf(data, &path, &text, err);

	return r <= 0 ? r : profile_host_value(strbuf_str(&path), &text, section, name, ret, err);
}

void session_loader(const struct engine *e, struct profile_loader *ret)
{
	union { /* the loader takes void *, and only reads */
		const struct engine *in;
		void *out;
	} u = {.in = e};

	*ret = (struct profile_loader){.load = load, .host_conf = load_host_conf, .data = u.out};
}

static int add_names(struct fsio *fs, const char *dir, struct strlist *names, struct strlist *dirs,
                     struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist files = {0};
	int r = fsio_list(fs, dir, &files, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < files.n; i++) {
		char *f = files.s[i];

		if (!str_ends(f, ".conf"))
			continue;
		f[strlen(f) - strlen(".conf")] = '\0';
		if (profile_check_name(f, NULL) < 0 || strlist_has(names, f))
			continue;
		if (strlist_add(names, f) < 0 || strlist_add(dirs, dir) < 0)
			return err_oom(err);
	}
	return 0;
}

int engine_profile_names(const struct engine *e, struct strlist *ret_names, struct strlist *ret_dirs,
                         struct hft_err *err)
{
	for (size_t i = 0; i < e->profile_dirs.n; i++) {
		int r = add_names(e->files, e->profile_dirs.s[i], ret_names, ret_dirs, err);

		if (r < 0)
			return r;
	}
	return 0;
}
