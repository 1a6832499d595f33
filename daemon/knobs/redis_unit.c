/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the name of a unit to the configuration that its Redis is started with. Changes nothing. */
#include <errno.h>
#include <string.h>

#include "daemon/knobs/redis.h"
#include "daemon/knobs/unitfile.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

void redis_unit_done(struct redis_unit *u)
{
	mem_freep(&u->name);
	mem_freep(&u->unit_path);
	mem_freep(&u->conf_path);
	strbuf_done(&u->args);
	strbuf_done(&u->conf);
}

static bool is_server(const char *path)
{
	const char *name = strrchr(path, '/');

	return name != NULL && (str_eq(name, "/redis-server") || str_eq(name, "/valkey-server"));
}

/* "--port 0 --unixsocket /run/x" to lines of a configuration. */
static void to_lines(const struct strlist *words, size_t from, struct strbuf *ret)
{
	for (size_t i = from; i < words->n; i++) {
		if (str_starts(words->s[i], "--"))
			strbuf_addf(ret, "%s%s", ret->len > 0 ? "\n" : "", words->s[i] + 2);
		else
			strbuf_addf(ret, words->s[i][0] == '\0' ? " \"\"" : " %s", words->s[i]);
	}
}

static int take_command(const struct strlist *words, struct redis_unit *u, struct hft_err *err)
{
	if (!is_server(words->s[0]))
		return err_raise(err, ERR_NO_MATCH, ENOENT, u->name, "%s starts %s, which is no Redis", u->name, words->s[0]);
	if (words->n < 2 || words->s[1][0] != '/')
		return err_raise(err, ERR_NO_MATCH, ENOENT, u->name, "%s starts a Redis without a configuration file",
		                 u->name);
	u->conf_path = strdup(words->s[1]);
	to_lines(words, 2, &u->args);
	return u->conf_path == NULL || u->args.oom ? err_oom(err) : 0;
}

/* What a file that is included says cannot be told from what this one says. */
static int refuse_include(const struct redis_unit *u, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };
	unsigned line = 0;

	if (!redis_conf_last(strbuf_str(&u->conf), "include", NULL, &words, &line) && line == 0)
		return 0;
	err_raise(err, ERR_CONFLICT, EEXIST, u->name, "%s:%u includes another file, which may say otherwise", u->conf_path,
	          line);
	err_where(err, u->conf_path, line);
	err_hint(err, "put all of the configuration into one file");
	return -EEXIST;
}

int redis_unit_load(const struct knob_ctx *c, const char *name, struct redis_unit *ret, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };

	if (!unitfile_is_service(name))
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, name, "\"%s\" is no name of a service", name);
	ret->name = strdup(name);
	if (ret->name == NULL)
		return err_oom(err);
	int r = unitfile_exec_start(c, name, &words, &ret->unit_path, err);
	if (r == 0)
		r = take_command(&words, ret, err);
	if (r == 0)
		r = fsio_read_file(c->fs, ret->conf_path, REDIS_CONF_MAX, &ret->conf, err);
	if (r == 0 && strlen(strbuf_str(&ret->conf)) != ret->conf.len)
		return err_raise(err, ERR_IO, EINVAL, ret->conf_path, "%s is no text", ret->conf_path);
	return r < 0 ? r : refuse_include(ret, err);
}
