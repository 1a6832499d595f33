/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mktree FILE DIR: expand a recorded tree (the format is in tree.h) into a directory, made when it is not there.
 * Must not overwrite anything: a file that exists is an error.
 */
#include "tests/tools/tree.h"

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: mktree FILE DIR\n");
		return 2;
	}
	if (mkdir(argv[2], 0755) < 0 && errno != EEXIST) {
		fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	return tree_expand(argv[1], argv[2]) < 0 ? 1 : 0;
}
