/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hfttune version`: this program's version, and the daemon's as org.varlink.service tells it. */
#pragma once

struct options;
struct out;

/* Always exit status 0: that nobody answers is an answer. */
int version_run(const struct options *o, struct out *out);
/* The same for --version, without asking anybody. */
int version_own(const struct options *o, struct out *out);
