/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing somebody else's configuration file. Must not know what is in it. */
#include "daemon/knobs/edited.h"

#include <errno.h>
#include <string.h>

#include "lib/base/durable.h"
#include "lib/base/err.h"
#include "lib/base/fsio.h"
#include "lib/base/mem.h"

#define EDITED_MAX (1024 * 1024)

int edited_lines(const char *text, size_t from, size_t to, const char *lines, struct strbuf *ret, struct hft_err *err)
{
	size_t end = strlen(text);
	bool open = to == end && end > 0 && text[end - 1] != '\n';

	bool out = lines[0] == '\0', behind = from == end;

	strbuf_addn(ret, text, from - (open && out && !behind && from > 0));
	strbuf_add(ret, open && behind && !out ? "\n" : "");
	strbuf_add(ret, lines);
	strbuf_add(ret, open || out ? "" : "\n");
	strbuf_add(ret, text + to);
	return ret->oom ? err_oom(err) : 0;
}

static bool is_same(const struct strbuf *a, const struct strbuf *b)
{
	return a->len == b->len && memcmp(strbuf_str(a), strbuf_str(b), a->len) == 0;
}

/* What nobody has changed needs no change: the text of the original that is kept, or with none kept that of the file. */
static int is_back(const struct knob_ctx *c, const char *path, const struct strbuf *now, const struct strbuf *text,
                   bool *ret, struct hft_err *err)
{
	CLEANUP(mem_freep) char *kept = NULL;
	CLEANUP(strbuf_done) struct strbuf original = { 0 };

	int r = durable_original(path, &kept, err);
	if (r < 0)
		return r;
	r = fsio_read_file(c->fs, kept, EDITED_MAX, &original, err);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = is_same(r == 0 ? &original : now, text);
	return 0;
}

int edited_write(const struct knob_ctx *c, const char *path, const struct strbuf *now, const struct strbuf *text,
                 struct hft_err *err)
{
	bool back = false;

	int r = is_back(c, path, now, text, &back, err);
	if (r == 0)
		r = back ? durable_restore(c->fs, path, err) :
		           durable_edit(c->fs, path, strbuf_str(text), text->len, err);
	if (r == -EROFS && is_same(now, text))
		return 0; /* it holds that, and nobody could have left anything beside it */
	if (r == -EROFS)
		err_hint(err, "the sandbox of hfttuned leaves it read-only: `systemctl edit hfttuned.service`, and write "
		         "ReadWritePaths=%.*s below [Service]", (int)(strrchr(path, '/') - path), path);
	return r;
}

void edited_let_go(const struct knob_ctx *c, const char *path, const char *key, const struct strlist *held)
{
	CLEANUP(mem_freep) char *kept = NULL;
	size_t owner_len = strcspn(key, " ") + 1;

	for (size_t i = 0; i < held->n; i++)
		if (strncmp(held->s[i], key, owner_len) == 0)
			return;
	if (durable_original(path, &kept, NULL) == 0 && fsio_exists(c->fs, kept))
		durable_forget(c->fs, path, NULL);
}
