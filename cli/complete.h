/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `hfttune complete -- WORD...`: the words typed after the program's name, the last one being completed (it may be
 * empty). One candidate per line; ":file" or ":dir" alone tells the shell to complete a path. The shells' scripts know
 * no verb and no option. Says nothing, successfully, where there is nothing to offer or nobody to ask.
 */
#pragma once

struct options;
struct out;

int complete_run(const struct options *o, struct out *out);
