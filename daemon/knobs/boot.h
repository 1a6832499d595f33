/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel parameters, and the boot loaders that hand them to the kernel. For the files of knob boot alone.
 *
 * "Line" below is what hfttune adds to the command line: the parameters of all layers, in the order of the table, with
 * single blanks between them. What is not ours in a command line is never touched.
 */
#pragma once

#include "daemon/knobs/knob.h"

#define BOOT_LINE_MAX 2047 /* COMMAND_LINE_SIZE of x86 less the NUL: the kernel cuts what is longer */

enum boot_form {
	BOOT_FLAG,     /* no value; a profile says "yes" */
	BOOT_INT,      /* within min..max */
	BOOT_WORD,     /* one of `words` */
	BOOT_WORDS,    /* some of `words`, with commas between them; canonical in the order of `words` */
	BOOT_CPUS,     /* cpulist of present CPUs, packed */
	BOOT_ISOLCPUS, /* the same behind flags: "managed_irq,domain,2-3" */
	BOOT_PAGES,    /* huge pages of `min` KiB each: "16", or by node "0:8,1:8" */
};

struct boot_row {
	const char *option; /* as in a profile */
	const char *prefix; /* what stands before the value: "isolcpus=", "hugepagesz=1G hugepages="; a flag: all of it */
	enum boot_form form;
	int64_t min, max;
	const char *words; /* "on|off" */
	/* The file that shows what the kernel made of it, or NULL: the command line has to do. A kernel or machine without
	 * the file lacks what the parameter is for. */
	const char *effect;
	const char *shows;   /* what stands in it, "VALUE=TEXT|VALUE=TEXT OR-TEXT"; NULL: the value itself */
	const char *vendor;  /* of the CPU, where it is for one alone: "GenuineIntel"; else NULL */
	const char *barrier; /* the words or numbers that take down a barrier against attackers, "off|0"; or NULL */
	bool isolates;       /* P11: takes the CPUs away from everybody else */
	int risk;
	const char *unit, *bounds, *summary, *counter, *source, *traps; /* NULL is "" */
};

extern const struct boot_row boot_rows[]; /* in the order of the line */
extern const size_t n_boot_rows;
const struct boot_row *boot_row(const char *option); /* or NULL */
/* Why two parameters with these values make no sense together, or NULL. */
const char *boot_clash(const char *option, const char *value, const char *other, const char *other_value);

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Value text of a profile to canonical text. c NULL: nothing of the host is asked (knob.h, parse). -EINVAL ERR_INVALID_PROFILE, -ERANGE ERR_OUT_OF_BOUNDS. */
int boot_value_parse(const struct knob_ctx *c, const struct boot_row *row, const char *value, struct strbuf *ret,
                     struct hft_err *err);
/* The CPUs of a canonical value; none where the row has no CPUs. */
void boot_value_cpus(const struct boot_row *row, const char *value, struct cpuset *ret);
/* Is the word one of "a|b|c"? */
bool boot_is_one_of(const char *words, const char *word);
/* Walk over the pages of a canonical value: the next node (-1: all of them) and how many, and *p behind it. False: no more. */
bool boot_next_pages(const char **p, int *ret_node, uint64_t *ret_pages);

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* The value behind prefix in a command line, the last one when there are several (the kernel takes that). False: the
 * parameter is not there. A flag has the value "". As the kernel does, '-' and '_' in names are the same, and what
 * stands behind a lone "--" is not for the kernel. */
bool boot_find(const char *line, const char *prefix, struct strbuf *ret);
/* Does the line name a parameter that the prefix names too, whatever its value? */
bool boot_names(const char *line, const char *prefix);
/* The value of a row in a line as canonical text: "" when it is not there. */
void boot_value_in(const char *line, const struct boot_row *row, struct strbuf *ret);
/* The line with one row set to a value; "" takes it out. */
void boot_line_with(const char *line, const struct boot_row *row, const char *value, struct strbuf *ret);
/* Does it hold nothing but characters that a parameter may have, and that no shell or loader reads as something else? */
bool boot_line_is_plain(const char *line);

/* --- the kernel --------------------------------------------------------------------------------------------------- */

/* The kernel was booted with the value: did it take it? Fills state and reason. */
void boot_effect(const struct knob_ctx *c, const struct boot_row *row, const char *wanted, struct knob_verdict *v);

/* --- boot loaders ------------------------------------------------------------------------------------------------- */

/* Where and how a boot loader keeps parameters. All paths are read and written through c->fs. */
struct boot_loader {
	const char *name;
	const char *wants;   /* for people: the files by which it is known */
	const char *staging; /* for people: what holds the staged line */
	bool (*is_here)(const struct knob_ctx *c);
	/* The line as it is staged for the next boot; "" when there is none. */
	int (*staged)(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err);
	/* Stage a line; "" takes away all that staging made. */
	int (*stage)(const struct knob_ctx *c, const char *line, struct hft_err *err);
	/* Hand what is staged on to what the loader reads. Not called in a copied tree. */
	int (*take_effect)(const struct knob_ctx *c, struct hft_err *err);
	/* "FILE:LINE" where somebody else sets what the prefix names, else "". */
	int (*foreign)(const struct knob_ctx *c, const char *prefix, struct strbuf *ret, struct hft_err *err);
	/* Does each entry that boots normally have (value) or lack ("") the parameter? "" when so, else what is wrong. */
	int (*entries)(const struct knob_ctx *c, const char *prefix, const char *value, struct strbuf *ret,
	               struct hft_err *err);
};
extern const struct boot_loader boot_grub, boot_bls, boot_sdboot;
/* The loader of this host. -ENOENT ERR_NO_MATCH: none that hfttune knows, or more than one. */
int boot_loader(const struct knob_ctx *c, const struct boot_loader **ret, struct hft_err *err);
