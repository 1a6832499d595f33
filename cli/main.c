/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: main() and nothing else. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "cli/run.h"

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, ""); /* how wide characters are on this terminal */
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, not a death */
	return cli_run(argc > 0 ? (size_t)argc - 1 : 0, (const char *const *)argv + 1, stdout, stderr);
}
