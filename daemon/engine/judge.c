/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two questions, asked everywhere in the engine: does the object hold this value, and is it as we left it? */
#include <string.h>

#include "daemon/engine/steps.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

int step_judge(const struct knob_ctx *c, const struct knob *k, const char *key, const char *current,
               const char *wanted, enum knob_verdict_state *ret, struct strbuf *ret_reason, struct hft_err *err)
{
	CLEANUP(knob_verdict_done) struct knob_verdict v = {0};
	int r;

	if (!k->verify) {
		*ret = strcmp(current, wanted) == 0 ? KNOB_OK : KNOB_DRIFT;
		return 0;
	}
	r = k->verify(c, key, wanted, &v, err);
	if (r < 0)
		return r;
	*ret = v.state;
	if (ret_reason) {
		strbuf_reset(ret_reason);
		strbuf_add(ret_reason, v.reason);
	}
	return 0;
}

int step_is_ours(const struct knob_ctx *c, const struct knob *k, const char *key, const char *current,
                 const char *left, bool *ret, struct hft_err *err)
{
	enum knob_verdict_state v;
	int r;

	if (k->persistent) {
		*ret = strcmp(current, left) == 0;
		return 0;
	}
	r = step_judge(c, k, key, current, left, &v, NULL, err);
	if (r == 0)
		*ret = v == KNOB_OK || v == KNOB_PENDING;
	return r;
}
