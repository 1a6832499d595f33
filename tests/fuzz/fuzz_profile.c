/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer: any bytes as a profile file. clang -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. this file,
 * daemon/profile/[a-z]*.c lib/base/{err,mem,str,num,cpuset}.c -linih
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/profile/profile.h"
#include "lib/base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile_file *f = NULL;
	struct hft_err err = { 0 };

	int r = profile_parse_buf("fuzz", (const char *)data, size, &f, &err);
	if (r < 0) {
		/* a mistake has a place, and what people are shown holds nothing that a terminal would obey */
		if (f != NULL || err.where[0] == '\0' || str_has_control(err.msg, strlen(err.msg)) ||
		    str_has_control(err.subject, strlen(err.subject)))
			abort();
		return 0;
	}
	for (size_t i = 0; i < f->n_sections; i++)
		for (size_t k = 0; k < f->sections[i].n_entries; k++) {
			const struct profile_entry *e = &f->sections[i].entries[k];
			if (e->option[0] == '\0' || str_has_control(e->option, strlen(e->option)) ||
			    str_has_control(e->value, strlen(e->value)) || !str_is_utf8(e->value, strlen(e->value)))
				abort();
		}
	profile_file_free(f);
	return 0;
}
