/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel command lines that the next boots will see, from the boot loader's files, line by line: their hashes alone
 * (hostdump_trees.h) would say that something changed, not what.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tools/hostdump.h"

static const struct {
	const char *where; /* from the root of the host */
	const char *word;  /* what the lines begin with, after blanks */
} command_lines[] = {
	{"boot/{grub,grub2}/grub.cfg",      "linux"      },
	{"boot/{grub,grub2}/grub.cfg",      "set default"},
	{"boot/loader/entries/*.conf",      "options"    },
	{"etc/default/{grub,grub.d/*.cfg}", "GRUB_"      },
	{"etc/kernel/cmdline",              ""           },
};

static void dump_lines(struct dump *d, const char *file, const char *word)
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t room = 0;

	/* Numbered among their like, so that a comment above moves nothing. */
	for (int n = 1; f && getline(&line, &room, f) >= 0;) {
		const char *text = line + strspn(line, " \t");
		char path[4096];

		if (strncmp(text, word, strlen(word)) != 0)
			continue;
		snprintf(path, sizeof(path), "/%s/%s%s%d", file, word, *word ? "/" : "", n++);
		emit_bytes(d, "boot:", path, text, strcspn(text, "\n"));
	}
	free(line);
	if (f)
		fclose(f);
}

void dump_boot(struct dump *d)
{
	for (size_t i = 0; i < sizeof(command_lines) / sizeof(*command_lines); i++) {
		glob_t g;

		if (glob(command_lines[i].where, GLOB_BRACE, NULL, &g) != 0)
			continue;
		for (size_t k = 0; k < g.gl_pathc; k++)
			dump_lines(d, g.gl_pathv[k], command_lines[i].word);
		globfree(&g);
	}
}
