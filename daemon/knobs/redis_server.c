/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A word with the server of a unit, by hiredis: one connection for each question, a few seconds at most. Must not talk to
 * a server that was started with another configuration file than the unit's. For a copied tree that is the one whose
 * Unix socket lies in the tree, and no other: a port is always this host's.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/knobs/redis.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

#define PATIENCE_S 2
#define SECRET_MAX 1024
#define SECTION "redis-password"

struct link {
	const struct knob_ctx *c;
	const struct redis_unit *u;
	redisContext *to;
	char *address; /* for messages */
	char *config;  /* what CONFIG is called */
};

static void link_done(struct link *l)
{
	if (l->to != NULL)
		redisFree(l->to);
	mem_freep(&l->address);
	mem_freep(&l->config);
}

static void free_reply(redisReply **r)
{
	if (*r != NULL)
		freeReplyObject(*r);
}

/* The last word on a directive: the command line's, else the file's. Borrowed; NULL when neither has it. */
static const char *setting(const struct redis_unit *u, const char *name, struct strlist *words)
{
	if (!redis_conf_last(strbuf_str(&u->args), name, NULL, words, NULL) &&
	    !redis_conf_last(strbuf_str(&u->conf), name, NULL, words, NULL))
		return NULL;
	return words->s[0];
}

/* --- where it listens --------------------------------------------------------------------------------------------- */

/* A loopback address where it listens on one: the sandbox of hfttuned lets no other through. */
static const char *host_of(const struct strlist *bind)
{
	const char *best = "127.0.0.1";

	for (size_t i = bind->n; i-- > 0;) {
		const char *a = bind->s[i] + (bind->s[i][0] == '-');
		if (str_eq(a, "*") || str_eq(a, "0.0.0.0") || str_starts(a, "127."))
			return str_starts(a, "127.") ? a : "127.0.0.1";
		best = str_eq(a, "::") || str_eq(a, "::*") ? "::1" : a;
	}
	return best;
}

static int raise_connect(const struct link *l, const char *what, int sys, struct hft_err *err)
{
	if (sys == EAGAIN || sys == ETIMEDOUT || sys == EINPROGRESS)
		return err_raise(err, ERR_TIMEOUT, ETIMEDOUT, l->u->name, "the server of %s at %s did not answer in %d s",
		                 l->u->name, l->address, PATIENCE_S);
	err_raise(err, sys == EACCES || sys == EPERM ? ERR_PERMISSION : ERR_IO, sys != 0 ? sys : EIO, l->u->name,
	          "cannot %s the server of %s at %s: %s", what, l->u->name, l->address, l->to->errstr);
	if (sys == EPERM)
		err_hint(err, "hfttuned.service lets loopback addresses and Unix sockets through: give Redis a \"unixsocket\"");
	return -(sys != 0 ? sys : EIO);
}

/* 1: connected; 0: nobody listens. */
static int judge_connect(struct link *l, int sys, struct hft_err *err)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_S };

	if (l->to == NULL)
		return err_oom(err);
	if (l->to->err != 0)
		return sys == ECONNREFUSED || sys == ENOENT ? 0 : raise_connect(l, "reach", sys, err);
	redisSetTimeout(l->to, patience);
	return 1;
}

static int connect_unix(struct link *l, const char *path, struct hft_err *err)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_S };

	l->address = str_printf("%s%s", l->c->copied ? fsio_root(l->c->fs) : "", path);
	if (l->address == NULL)
		return err_oom(err);
	errno = 0;
	l->to = redisConnectUnixWithTimeout(l->address, patience);
	return judge_connect(l, errno, err);
}

static int connect_tcp(struct link *l, const char *host, int port, struct hft_err *err)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_S };

	l->address = str_printf("%s port %d", host, port);
	if (l->address == NULL)
		return err_oom(err);
	errno = 0;
	l->to = redisConnectWithTimeout(host, port, patience);
	return judge_connect(l, errno, err);
}

static int connect_any(struct link *l, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };
	const char *path = setting(l->u, "unixsocket", &words);
	int64_t port = 6379;

	if (path != NULL && path[0] == '/')
		return connect_unix(l, path, err);
	if (l->c->copied)
		return 0;
	const char *text = setting(l->u, "port", &words);
	if (text != NULL && num_parse_range(text, 0, 65535, &port) < 0)
		return err_raise(err, ERR_IO, EINVAL, l->u->name, "%s: \"%s\" is no port", l->u->conf_path, text);
	if (port == 0) {
		err_raise(err, ERR_REFUSED, EPROTONOSUPPORT, l->u->name, "the server of %s listens neither on a port nor "
		          "on a Unix socket", l->u->name);
		err_hint(err, "hfttune does not speak TLS: give Redis a \"unixsocket\"");
		return -EPROTONOSUPPORT;
	}
	if (setting(l->u, "bind", &words) == NULL)
		strlist_done(&words);
	return connect_tcp(l, host_of(&words), (int)port, err);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* What it says when it does not do as it was told. */
static int raise_reply(const struct link *l, const char *text, struct hft_err *err)
{
	static const struct {
		const char *begins, *hint;
	} known[] = {
		{ "NOAUTH", "write `UNIT = FILE` into [" SECTION "] of host.conf; FILE is root's alone and holds the password" },
		{ "WRONGPASS", "mend what stands in the file that [" SECTION "] of host.conf names" },
		{ "NOPERM", "the user needs +config|get +config|set +info" },
		{ "ERR unknown command", "CONFIG has another name, or none; hfttune knows that from rename-command in the file" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!str_starts(text, known[i].begins))
			continue;
		err_raise(err, ERR_PERMISSION, EACCES, l->u->name, "the server of %s says: %.200s", l->u->name, text);
		err_hint(err, "%s", known[i].hint);
		return -EACCES;
	}
	return err_raise(err, ERR_WRITE_FAILED, EREMOTEIO, l->u->name, "the server of %s says: %.200s", l->u->name, text);
}

static int ask(struct link *l, int argc, const char **argv, redisReply **ret, struct hft_err *err)
{
	errno = 0;
	*ret = redisCommandArgv(l->to, argc, argv, NULL);
	if (*ret == NULL)
		return raise_connect(l, "talk to", errno, err);
	return (*ret)->type == REDIS_REPLY_ERROR ? raise_reply(l, (*ret)->str, err) : 0;
}

/* --- who are you -------------------------------------------------------------------------------------------------- */

/* A secret that others can read is none. */
static int check_secret(const struct knob_ctx *c, const char *path, struct hft_err *err)
{
	struct stat st;

	int r = fsio_stat(c->fs, path, &st, err);
	if (r < 0)
		return r;
	if ((st.st_uid == 0 || st.st_uid == geteuid()) && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	err_raise(err, ERR_PERMISSION, EPERM, path, "%s is not root's alone", path);
	err_hint(err, "chown root and chmod 600, and think of another password");
	return -EPERM;
}

/* The password, or a user and the password, a line each. 0: there are none. */
static int read_secret(const struct link *l, struct strlist *ret, struct hft_err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = { 0 };
	CLEANUP(strbuf_done) struct strbuf text = { 0 };

	int r = knob_host_conf(l->c, SECTION, l->u->name, &path, err);
	if (r <= 0)
		return r;
	r = fsio_read_file(l->c->fs, strbuf_str(&path), SECRET_MAX, &text, err);
	if (r == 0)
		r = check_secret(l->c, strbuf_str(&path), err);
	if (r == 0 && strlist_split(ret, strbuf_str(&text), "\r\n") < 0)
		r = err_oom(err);
	if (r < 0 || ret->n == 1 || ret->n == 2)
		return r;
	return err_raise(err, ERR_PERMISSION, EINVAL, strbuf_str(&path), "%s holds neither a password nor a user and a password",
	                 strbuf_str(&path));
}

static int log_in(struct link *l, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist secret = { 0 };
	CLEANUP(free_reply) redisReply *reply = NULL;
	const char *argv[3] = { "AUTH" };

	int r = read_secret(l, &secret, err);
	if (r < 0 || secret.n == 0)
		return r;
	for (size_t i = 0; i < secret.n; i++)
		argv[i + 1] = secret.s[i];
	return ask(l, (int)secret.n + 1, argv, &reply, err);
}

/* "name:value" of a reply to INFO. */
static void info_value(const char *info, const char *name, struct strbuf *ret)
{
	strbuf_reset(ret);
	for (const char *p = info; p != NULL; p = strchr(p, '\n'), p = p != NULL ? p + 1 : NULL)
		if (str_starts(p, name) && p[strlen(name)] == ':')
			strbuf_addn(ret, p + strlen(name) + 1, strcspn(p + strlen(name) + 1, "\r\n"));
}

/* Another unit may have taken the address. */
static int check_server(struct link *l, struct hft_err *err)
{
	CLEANUP(mem_freep) char *wanted =
		str_printf("%s%s", l->c->copied ? fsio_root(l->c->fs) : "", l->u->conf_path);
	CLEANUP(free_reply) redisReply *reply = NULL;
	CLEANUP(strbuf_done) struct strbuf found = { 0 };
	const char *argv[] = { "INFO", "server" };

	if (wanted == NULL)
		return err_oom(err);
	int r = ask(l, 2, argv, &reply, err);
	if (r < 0)
		return r;
	info_value(reply->str != NULL ? reply->str : "", "config_file", &found);
	if (found.oom)
		return err_oom(err);
	if (str_eq(strbuf_str(&found), wanted))
		return 0;
	err_raise(err, ERR_CONFLICT, EEXIST, l->u->name, "at %s is a server that was started with %s, not with %s", l->address,
	          found.len > 0 ? found.s : "no file", wanted);
	err_hint(err, "restart %s, or give it an address of its own", l->u->name);
	return -EEXIST;
}

/* CONFIG may go by another name, which the file says; one without a name cannot be called. */
static int name_config(struct link *l, struct hft_err *err)
{
	CLEANUP(strlist_done) struct strlist words = { 0 };
	bool renamed = redis_conf_last(strbuf_str(&l->u->conf), "rename-command", "config", &words, NULL) &&
	               words.n == 2;

	l->config = strdup(renamed ? words.s[1] : "CONFIG");
	return l->config != NULL ? 0 : err_oom(err);
}

static int link_open(const struct knob_ctx *c, const struct redis_unit *u, struct link *ret, struct hft_err *err)
{
	*ret = (struct link){ .c = c, .u = u };
	int r = connect_any(ret, err);
	if (r <= 0)
		return r;
	r = name_config(ret, err);
	if (r == 0)
		r = log_in(ret, err);
	if (r == 0)
		r = check_server(ret, err);
	return r < 0 ? r : 1;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

int redis_server_get(const struct knob_ctx *c, const struct redis_unit *u, const char *option, struct strbuf *ret,
                     struct hft_err *err)
{
	CLEANUP(link_done) struct link l;
	CLEANUP(free_reply) redisReply *reply = NULL;
	const char *argv[] = { NULL, "GET", option };

	strbuf_reset(ret);
	int r = link_open(c, u, &l, err);
	if (r <= 0)
		return r;
	argv[0] = l.config;
	r = ask(&l, 3, argv, &reply, err);
	if (r < 0)
		return r;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[1]->str == NULL)
		return err_raise(err, ERR_NOT_APPLICABLE, ENOENT, option, "this version of Redis has no %s", option);
	strbuf_addn(ret, reply->element[1]->str, reply->element[1]->len);
	return ret->oom ? err_oom(err) : 1;
}

int redis_server_set(const struct knob_ctx *c, const struct redis_unit *u, const char *option, const char *value,
                     struct hft_err *err)
{
	CLEANUP(link_done) struct link l;
	CLEANUP(free_reply) redisReply *reply = NULL;
	const char *argv[] = { NULL, "SET", option, value };

	int r = link_open(c, u, &l, err);
	if (r <= 0)
		return r;
	argv[0] = l.config;
	r = ask(&l, 4, argv, &reply, err);
	return r < 0 ? r : 1;
}

/* A command of two words whose answer is text. */
static int ask_text(const struct knob_ctx *c, const struct redis_unit *u, const char *command, const char *about,
                    struct strbuf *ret, struct hft_err *err)
{
	CLEANUP(link_done) struct link l;
	CLEANUP(free_reply) redisReply *reply = NULL;
	const char *argv[] = { command, about };

	strbuf_reset(ret);
	int r = link_open(c, u, &l, err);
	if (r > 0)
		r = ask(&l, 2, argv, &reply, err);
	if (r < 0 || reply == NULL)
		return r;
	strbuf_add(ret, reply->str != NULL ? reply->str : "");
	return ret->oom ? err_oom(err) : 1;
}

int redis_server_info(const struct knob_ctx *c, const struct redis_unit *u, const char *section, struct strbuf *ret,
                      struct hft_err *err)
{
	return ask_text(c, u, "INFO", section, ret, err);
}

int redis_server_malloc(const struct knob_ctx *c, const struct redis_unit *u, struct strbuf *ret, struct hft_err *err)
{
	return ask_text(c, u, "MEMORY", "MALLOC-STATS", ret, err);
}
