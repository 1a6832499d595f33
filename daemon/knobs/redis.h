/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directives of Redis, the file they stand in, and the server that runs with them. For the files of knob redis alone.
 *
 * "Written" below is what the configuration file says of a directive: what stands behind its name, as it stands there
 * ("1gb"); a line that is not spelled "NAME VALUE" to the letter is written whole behind a '=' ("=MaxMemory  1gb").
 * Several lines of a directive that adds up stand with "; " between them. "" is a directive that the file does not have.
 * Normal is what CONFIG GET says of it ("1073741824"); the normal form of no value at all is two quotes.
 */
#pragma once

#include "daemon/knobs/knob.h"

struct strlist;

enum redis_form {
	REDIS_INT,   /* within min..max */
	REDIS_BYTES, /* the same with Redis' units: 1k is 1000, 1kb is 1024 */
	REDIS_WORD,  /* one of `words` */
	REDIS_CPUS,  /* cpulist */
	REDIS_SAVE,  /* pairs of seconds and changes, or "" */
};

struct redis_row {
	const char *option;
	enum redis_form form;
	int64_t min, max;
	const char *words;
	const char *preset; /* what Redis takes when the file does not say; NULL: not known */
	bool fixed;         /* only a restart changes it */
	int risk;
	const char *unit, *bounds, *summary, *counter, *source, *traps; /* NULL is "" */
};

extern const struct redis_row redis_rows[]; /* ascending by option */
extern const size_t n_redis_rows;
const struct redis_row *redis_row(const char *option); /* or NULL */

/* Value text of a profile to its normal form. c NULL: nothing of the host is asked. -EINVAL ERR_INVALID_PROFILE, -ERANGE
 * ERR_OUT_OF_BOUNDS. */
int redis_value_parse(const struct knob_ctx *c, const struct redis_row *row, const char *value, struct strbuf *ret,
                      struct hft_err *err);
/* What is written in the file to its normal form; what makes no sense stays as it is. "" gives "". */
void redis_value_normal(const struct redis_row *row, const char *written, struct strbuf *ret);
/* What CONFIG GET has answered to the normal form. */
void redis_value_answered(const struct redis_row *row, const char *answer, struct strbuf *ret);

/* --- the configuration file --------------------------------------------------------------------------------------- */

#define REDIS_CONF_MAX (1024 * 1024)

/* Words as Redis splits them; a quoted one may be empty. -EINVAL: quotes or escapes that this does not read; -ENOMEM. */
int redis_words(const char *text, struct strlist *ret);
/* What stands in a configuration of a directive. -EEXIST ERR_CONFLICT, with the line: in a way that could not be put
 * back. path: for messages. */
int redis_conf_written(const char *text, const char *path, const struct redis_row *row, struct strbuf *ret,
                       struct hft_err *err);
/* The configuration with another value in the place of the one it has. As above. */
int redis_conf_with(const char *text, const char *path, const struct redis_row *row, const char *written,
                    struct strbuf *ret, struct hft_err *err);
/* The words behind a name, of the last line that has it (and behind it the word `first`, unless that is NULL), and the
 * number of that line. False: none has it, or one that cannot be read. ret_line may be NULL. */
bool redis_conf_last(const char *text, const char *name, const char *first, struct strlist *ret, unsigned *ret_line);

/* --- the unit ----------------------------------------------------------------------------------------------------- */

struct redis_unit {
	char *name;          /* "redis-server.service" */
	char *unit_path;     /* the file that its command line is in */
	char *conf_path;     /* the configuration file that it names */
	struct strbuf args;  /* what the command line says further, as lines of a configuration: it has the last word */
	struct strbuf conf;  /* content of the configuration file */
};
void redis_unit_done(struct redis_unit *u);
/*
 * Is not spoken of in a profile but by its unit: the file is the one that its ExecStart= names. Zero-initialise *ret, and
 * redis_unit_done() whatever comes. -EINVAL ERR_INVALID_PROFILE: no name of a service. -ENOENT ERR_NO_MATCH: no such
 * unit, or none of Redis. -EEXIST ERR_CONFLICT: the configuration is in several files.
 */
int redis_unit_load(const struct knob_ctx *c, const char *name, struct redis_unit *ret, struct hft_err *err);

/* --- the running server ------------------------------------------------------------------------------------------- */

/* The answer to CONFIG GET: 1; 0: no server runs. -ENOENT ERR_NOT_APPLICABLE: this version has no such directive.
 * -EACCES ERR_PERMISSION: password, or rights; other -errno ERR_IO, -ETIMEDOUT ERR_TIMEOUT. */
int redis_server_get(const struct knob_ctx *c, const struct redis_unit *u, const char *option, struct strbuf *ret,
                     struct hft_err *err);
/* CONFIG SET: as above, and -EREMOTEIO ERR_WRITE_FAILED with what it said. */
int redis_server_set(const struct knob_ctx *c, const struct redis_unit *u, const char *option, const char *value,
                     struct hft_err *err);
/* A section of INFO: 1 and its text; 0: no server runs. */
int redis_server_info(const struct knob_ctx *c, const struct redis_unit *u, const char *section, struct strbuf *ret,
                      struct hft_err *err);
/* MEMORY MALLOC-STATS, as above: what its jemalloc runs with, "opt.narenas: 2" and much more. */
int redis_server_malloc(const struct knob_ctx *c, const struct redis_unit *u, struct strbuf *ret, struct hft_err *err);
