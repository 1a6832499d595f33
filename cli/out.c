/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing and ending a writer. Must not know a verb. */
#include "cli/out.h"

#include <errno.h>
#include <unistd.h>

#include "cli/options.h"

static bool is_set(const char *value)
{
	return value != NULL && *value != '\0';
}

void out_init(struct out *o, const struct options *options, FILE *to, FILE *errors,
              const char *(*environment)(const char *name))
{
	bool json = options_has(options, OPT_JSON);
	bool dumb = str_eq(environment("TERM"), "dumb");
	bool colour = !options_has(options, OPT_NO_COLOR) && !is_set(environment("NO_COLOR")) && !dumb;

	*o = (struct out){ .ops = json ? &out_json_ops : &out_text_ops, .to = to, .errors = errors };
	o->text.width = text_width_of(fileno(to), environment("COLUMNS"));
	o->text.colour = colour && !json && isatty(fileno(to));
	o->live = !json && !dumb && isatty(fileno(errors));
}

int out_done(struct out *o)
{
	int r = 0;

	if (o->text.b.oom)
		r = -ENOMEM;
	else if (fwrite(strbuf_str(&o->text.b), 1, o->text.b.len, o->to) != o->text.b.len || fflush(o->to) != 0)
		r = -errno;
	text_done(&o->text);
	return r;
}

void out_progress(struct out *o, int64_t step, int64_t steps, const char *object)
{
	o->ops->progress(o, step, steps, object);
}

void out_result(struct out *o, const struct result *r)
{
	o->ops->result(o, r);
}

void out_say(struct out *o, const char *key, const char *text)
{
	o->ops->say(o, key, text);
}
