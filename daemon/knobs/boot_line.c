/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel command lines as text: finding, setting and taking out parameters. Reads and writes no file. */
#include <string.h>

#include "daemon/knobs/boot.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define BLANKS " \t\n"

/* The next word at or behind *p, its length in *ret_len; NULL at the end, or at the "--" that ends what is the kernel's. */
static const char *next_word(const char **p, size_t *ret_len)
{
	const char *word = *p + strspn(*p, BLANKS);

	*ret_len = strcspn(word, BLANKS);
	*p = word + *ret_len;
	return *ret_len == 0 || (*ret_len == 2 && memcmp(word, "--", 2) == 0) ? NULL : word;
}

static char fold(char c)
{
	return c == '-' ? '_' : c;
}

static bool same(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fold(a[i]) != fold(b[i]) || a[i] == '\0')
			return false;
	return true;
}

bool boot_find(const char *line, const char *prefix, struct strbuf *ret)
{
	size_t len = strlen(prefix), n;
	bool is_flag = prefix[len - 1] != '=', found = false;

	strbuf_reset(ret);
	for (const char *word; (word = next_word(&line, &n)) != NULL;) {
		if (!same(word, prefix, len))
			continue;
		size_t value = strcspn(word + len, BLANKS);
		if (is_flag && value > 0)
			continue;
		strbuf_reset(ret);
		strbuf_addn(ret, word + len, value);
		found = true;
	}
	return found;
}

bool boot_names(const char *line, const char *prefix)
{
	size_t n, n_ours;

	for (const char *word; (word = next_word(&line, &n)) != NULL;) {
		const char *p = prefix;
		size_t name = strcspn(word, "=" BLANKS);
		for (const char *ours; (ours = next_word(&p, &n_ours)) != NULL;)
			if (strcspn(ours, "=" BLANKS) == name && same(word, ours, name))
				return true;
	}
	return false;
}

void boot_value_in(const char *line, const struct boot_row *row, struct strbuf *ret)
{
	if (boot_find(line, row->prefix, ret) && row->form == BOOT_FLAG)
		strbuf_add(ret, "yes");
}

void boot_line_with(const char *line, const struct boot_row *row, const char *value, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf own = { 0 };

	strbuf_reset(ret);
	for (size_t i = 0; i < n_boot_rows; i++) {
		const struct boot_row *other = &boot_rows[i];
		boot_value_in(line, other, &own);
		const char *text = other == row ? value : strbuf_str(&own);
		if (text[0] != '\0')
			strbuf_addf(ret, "%s%s%s", ret->len > 0 ? " " : "", other->prefix,
			            other->form == BOOT_FLAG ? "" : text);
	}
	ret->oom = ret->oom || own.oom;
}

bool boot_line_is_plain(const char *line)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:=/+@- ";

	return line[strspn(line, allowed)] == '\0';
}
