/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing strings, string lists, and the few string tests that C lacks. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A growing, always NUL-terminated string. Zero-initialise; strbuf_done frees. Appends never fail loudly: when memory
 * ends, `oom` is set and further appends do nothing, so that a caller checks once at the end.
 */
struct strbuf {
	char *s;    /* NULL while empty; use strbuf_str() to read */
	size_t len; /* without the NUL */
	size_t cap;
	bool oom;
};

void strbuf_done(struct strbuf *b);             /* also for CLEANUP */
void strbuf_reset(struct strbuf *b);            /* empty, keeps the memory and clears oom */
const char *strbuf_str(const struct strbuf *b); /* never NULL, borrowed */
char *strbuf_take(struct strbuf *b);            /* caller frees; NULL when out of memory; "" when empty */
void strbuf_add(struct strbuf *b, const char *s);
void strbuf_addn(struct strbuf *b, const char *s, size_t n);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void strbuf_trim(struct strbuf *b); /* drop white space (space, tab, newline, CR) at both ends */

/* A list of owned strings. Zero-initialise; strlist_done frees. */
struct strlist {
	char **s;
	size_t n, cap;
};

void strlist_done(struct strlist *l); /* also for CLEANUP */
int strlist_add(struct strlist *l, const char *s);              /* copies; 0 or -ENOMEM */
int strlist_take(struct strlist *l, char *s);                   /* owns s in any case; NULL s gives -ENOMEM */
bool strlist_has(const struct strlist *l, const char *s);
void strlist_sort(struct strlist *l);                           /* by strverscmp(3): cpu2 before cpu10 */
/* Split at any run of characters in `seps`; empty parts are dropped. 0 or -ENOMEM. */
int strlist_split(struct strlist *l, const char *text, const char *seps);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_is_pattern(const char *s);                     /* contains one of * ? [ */
bool str_match(const char *pattern, const char *s);     /* fnmatch(3) without flags */
bool str_is_utf8(const char *s, size_t len);            /* strict UTF-8: no overlongs, no surrogates, no NUL */
bool str_has_control(const char *s, size_t len);        /* C0 (tab included), DEL, C1, or a bidi control */
bool str_copy(char *to, size_t size, const char *s);    /* false: it did not fit, and `to` is "" */
char *str_dup_n(const char *s, size_t n);               /* NUL-terminated copy; NULL when out of memory */
char *str_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* caller frees; NULL when out of memory */

/* For people: how many terminal columns a UTF-8 string takes (wcwidth of each character; a byte that is none is 1). */
size_t str_columns(const char *s);
