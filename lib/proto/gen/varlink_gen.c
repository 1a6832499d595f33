/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * varlink_gen FILE.varlink... : the tables of lib/proto/schema.h as C on standard output. Runs while building, is not
 * installed, and uses nothing of the library. The language is that of https://varlink.org/Interface-Definition without
 * nullable elements ("[]?int"), which the tables do not have.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64
#define REF_MAX 160 /* the name of a C object, or a pointer to it */

/* A type that was named: by then declared in the output, sooner or later also defined. */
struct named {
	char name[WORD_MAX];
	bool defined;
};

/* A member of a struct, a word of an enumeration (name alone), or a method (type and out). */
struct item {
	char name[WORD_MAX];
	char type[REF_MAX];
	char out[REF_MAX];
	bool nullable;
};

struct items {
	struct item *v;
	size_t n;
};

struct gen {
	const char *path;
	const char *at; /* what is left of the text */
	unsigned line;
	char prefix[WORD_MAX]; /* of all C names: "tuner" */
	unsigned n_anonymous;
	bool quiet; /* nothing of what is parsed is wanted */
	struct named *named;
	size_t n_named;
};

static int fail(const struct gen *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(const struct gen *g, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", g->path, g->line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

static void emit(const struct gen *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void emit(const struct gen *g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!g->quiet)
		vprintf(fmt, ap);
	va_end(ap);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static void skip_blank(struct gen *g)
{
	for (;;) {
		if (*g->at == '#')
			g->at += strcspn(g->at, "\n");
		if (*g->at == '\0' || strchr(" \t\r\n", *g->at) == NULL)
			return;
		if (*g->at++ == '\n')
			g->line++;
	}
}

static bool accept(struct gen *g, const char *mark)
{
	skip_blank(g);
	if (strncmp(g->at, mark, strlen(mark)) != 0)
		return false;
	g->at += strlen(mark);
	return true;
}

static int expect(struct gen *g, const char *mark)
{
	return accept(g, mark) ? 0 : fail(g, "\"%s\" was expected", mark);
}

static int read_word(struct gen *g, const char *also, char ret[static WORD_MAX])
{
	size_t n = 0;

	skip_blank(g);
	while (isalnum((unsigned char)g->at[n]) || (g->at[n] != '\0' && strchr(also, g->at[n]) != NULL))
		n++;
	if (n == 0 || n >= WORD_MAX || !isalpha((unsigned char)g->at[0]))
		return fail(g, "a name was expected");
	memcpy(ret, g->at, n);
	ret[n] = '\0';
	g->at += n;
	return 0;
}

/* The name of a type, a method or an error. */
static int read_title(struct gen *g, char ret[static WORD_MAX])
{
	if (read_word(g, "", ret) < 0)
		return -1;
	return isupper((unsigned char)ret[0]) ? 0 : fail(g, "%s must begin with a capital letter", ret);
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static int add_item(struct gen *g, struct items *items, const struct item *item)
{
	for (size_t i = 0; i < items->n; i++)
		if (strcmp(items->v[i].name, item->name) == 0)
			return fail(g, "%s stands here twice", item->name);
	struct item *grown = realloc(items->v, (items->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return fail(g, "out of memory");
	items->v = grown;
	items->v[items->n++] = *item;
	return 0;
}

/* Find or add a named type; declares it in the output, so that types may stand in any order. */
static struct named *name_type(struct gen *g, const char *name)
{
	for (size_t i = 0; i < g->n_named; i++)
		if (strcmp(g->named[i].name, name) == 0)
			return &g->named[i];
	struct named *grown = realloc(g->named, (g->n_named + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	g->named = grown;
	struct named *added = &g->named[g->n_named++];
	*added = (struct named){ 0 };
	snprintf(added->name, sizeof(added->name), "%s", name);
	emit(g, "static const struct schema_type %s_%s;\n", g->prefix, name);
	return added;
}

/* --- types -------------------------------------------------------------------------------------------------------- */

static int parse_type(struct gen *g, char ret_ref[static REF_MAX]);

static void name_anonymous(struct gen *g, char ret[static REF_MAX])
{
	snprintf(ret, REF_MAX, "%s_%u", g->prefix, ++g->n_anonymous);
}

static int parse_reference(struct gen *g, char ret_ref[static REF_MAX])
{
	static const char *const basic[][2] = {
		{ "bool", "SCHEMA_BOOL" },     { "int", "SCHEMA_INT" },       { "float", "SCHEMA_FLOAT" },
		{ "string", "SCHEMA_STRING" }, { "object", "SCHEMA_OBJECT" },
	};
	char word[WORD_MAX];

	if (read_word(g, "", word) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]); i++) {
		if (strcmp(basic[i][0], word) == 0) {
			snprintf(ret_ref, REF_MAX, "&basic[%s]", basic[i][1]);
			return 0;
		}
	}
	if (!isupper((unsigned char)word[0]))
		return fail(g, "%s is not a type", word);
	if (!g->quiet && name_type(g, word) == NULL)
		return fail(g, "out of memory");
	snprintf(ret_ref, REF_MAX, "&%s_%s", g->prefix, word);
	return 0;
}

static void emit_words(const struct gen *g, const char *name, const struct items *items)
{
	emit(g, "static const char *const %s_words[] = {", name);
	for (size_t i = 0; i < items->n; i++)
		emit(g, " \"%s\",", items->v[i].name);
	emit(g, " NULL };\n");
	emit(g, "static const struct schema_type %s = { .kind = SCHEMA_ENUM, .words = %s_words };\n", name, name);
}

static void emit_fields(const struct gen *g, const char *name, const struct items *items)
{
	emit(g, "static const struct schema_field %s_fields[] = {\n", name);
	for (size_t i = 0; i < items->n; i++)
		emit(g, "\t{ \"%s\", %s, %s },\n", items->v[i].name, items->v[i].type,
		     items->v[i].nullable ? "true" : "false");
	emit(g, "\t{ NULL, NULL, false },\n};\n");
	emit(g, "static const struct schema_type %s = { .kind = SCHEMA_STRUCT, .fields = %s_fields };\n", name, name);
}

/* What follows the opening parenthesis, up to the closing one: members or words, never both. */
static int parse_items(struct gen *g, struct items *ret, bool *ret_is_enum)
{
	*ret_is_enum = false;
	if (accept(g, ")"))
		return 0;
	do {
		struct item item = { 0 };
		if (read_word(g, "_", item.name) < 0)
			return -1;
		bool is_word = !accept(g, ":");
		if (ret->n > 0 && is_word != *ret_is_enum)
			return fail(g, "a struct and an enumeration in one");
		*ret_is_enum = is_word;
		if (!is_word) {
			item.nullable = accept(g, "?");
			if (parse_type(g, item.type) < 0)
				return -1;
		}
		if (add_item(g, ret, &item) < 0)
			return -1;
	} while (accept(g, ","));
	return expect(g, ")");
}

/* A struct or an enumeration, written as the C object of that name. */
static int parse_body(struct gen *g, const char *name, bool may_be_enum)
{
	struct items items = { 0 };
	bool is_enum;

	if (expect(g, "(") < 0)
		return -1;
	int r = parse_items(g, &items, &is_enum);
	if (r == 0 && is_enum && !may_be_enum)
		r = fail(g, "an enumeration cannot stand here");
	if (r == 0 && is_enum)
		emit_words(g, name, &items);
	else if (r == 0)
		emit_fields(g, name, &items);
	free(items.v);
	return r;
}

/* "[]" or "[string]" has been read. */
static int parse_element(struct gen *g, const char *kind, char ret_ref[static REF_MAX])
{
	char element[REF_MAX], name[REF_MAX];

	if (parse_type(g, element) < 0)
		return -1;
	name_anonymous(g, name);
	emit(g, "static const struct schema_type %s = { .kind = %s, .element = %s };\n", name, kind, element);
	snprintf(ret_ref, REF_MAX, "&%.*s", REF_MAX - 2, name);
	return 0;
}

static int parse_type(struct gen *g, char ret_ref[static REF_MAX])
{
	char name[REF_MAX];

	if (accept(g, "[]"))
		return parse_element(g, "SCHEMA_ARRAY", ret_ref);
	if (accept(g, "[string]"))
		return parse_element(g, "SCHEMA_MAP", ret_ref);
	skip_blank(g);
	if (*g->at != '(')
		return parse_reference(g, ret_ref);
	name_anonymous(g, name);
	snprintf(ret_ref, REF_MAX, "&%.*s", REF_MAX - 2, name);
	return parse_body(g, name, true);
}

/* --- interfaces --------------------------------------------------------------------------------------------------- */

static int parse_typedef(struct gen *g)
{
	char title[WORD_MAX], name[REF_MAX];

	if (read_title(g, title) < 0)
		return -1;
	struct named *type = name_type(g, title);
	if (type == NULL)
		return fail(g, "out of memory");
	if (type->defined)
		return fail(g, "type %s is defined twice", title);
	type->defined = true;
	snprintf(name, sizeof(name), "%s_%s", g->prefix, title);
	return parse_body(g, name, true);
}

static int parse_method(struct gen *g, struct items *methods)
{
	struct item method = { 0 };

	if (read_title(g, method.name) < 0)
		return -1;
	snprintf(method.type, sizeof(method.type), "%s_%s_in", g->prefix, method.name);
	snprintf(method.out, sizeof(method.out), "%s_%s_out", g->prefix, method.name);
	if (parse_body(g, method.type, false) < 0 || expect(g, "->") < 0 || parse_body(g, method.out, false) < 0)
		return -1;
	return add_item(g, methods, &method);
}

/* An error's parameters are encoded by hand (varlink.c), so its syntax alone is looked at. */
static int parse_error(struct gen *g)
{
	char title[WORD_MAX];

	if (read_title(g, title) < 0)
		return -1;
	g->quiet = true;
	int r = parse_body(g, title, false);
	g->quiet = false;
	return r;
}

static int parse_members(struct gen *g, struct items *methods)
{
	char word[WORD_MAX];
	int r = 0;

	for (skip_blank(g); r == 0 && *g->at != '\0'; skip_blank(g)) {
		if (read_word(g, "", word) < 0)
			return -1;
		if (strcmp(word, "type") == 0)
			r = parse_typedef(g);
		else if (strcmp(word, "method") == 0)
			r = parse_method(g, methods);
		else if (strcmp(word, "error") == 0)
			r = parse_error(g);
		else
			r = fail(g, "%s is not type, method or error", word);
	}
	for (size_t i = 0; r == 0 && i < g->n_named; i++)
		if (!g->named[i].defined)
			r = fail(g, "type %s is not defined", g->named[i].name);
	return r;
}

static void emit_description(const char *text)
{
	fputs("\t.description =\n\t\t\"", stdout);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '\n' && c[1] != '\0')
			fputs("\\n\"\n\t\t\"", stdout);
		else if (*c == '\n')
			fputs("\\n", stdout);
		else if (isprint((unsigned char)*c) && *c != '"' && *c != '\\')
			putchar(*c);
		else
			printf("\\%03o", (unsigned char)*c);
	}
	fputs("\",\n", stdout);
}

static void emit_interface(const struct gen *g, const char *interface, const char *text, const struct items *methods)
{
	emit(g, "static const struct schema_method %s_methods[] = {\n", g->prefix);
	for (size_t i = 0; i < methods->n; i++)
		emit(g, "\t{ \"%s\", &%s, &%s },\n", methods->v[i].name, methods->v[i].type, methods->v[i].out);
	emit(g, "\t{ NULL, NULL, NULL },\n};\n\nconst struct schema_interface schema_%s = {\n", g->prefix);
	emit(g, "\t.name = \"%s\",\n\t.methods = %s_methods,\n", interface, g->prefix);
	emit_description(text);
	emit(g, "};\n");
}

/* "org.hfttune.Tuner" gives the prefix "tuner". */
static int parse_interface_name(struct gen *g, char ret[static WORD_MAX])
{
	if (expect(g, "interface") < 0 || read_word(g, ".-", ret) < 0)
		return -1;
	const char *dot = strrchr(ret, '.');
	if (dot == NULL || !isalpha((unsigned char)dot[1]) || strchr(dot, '-') != NULL)
		return fail(g, "%s is not the name of an interface", ret);
	for (size_t i = 0; i <= strlen(dot + 1); i++)
		g->prefix[i] = (char)tolower((unsigned char)dot[1 + i]);
	return 0;
}

static int generate(const char *path, const char *text)
{
	struct gen g = { .path = path, .at = text, .line = 1 };
	struct items methods = { 0 };
	char interface[WORD_MAX];

	int r = parse_interface_name(&g, interface);
	if (r == 0) {
		printf("\n/* --- %s --- */\n\n", interface);
		r = parse_members(&g, &methods);
	}
	if (r == 0)
		emit_interface(&g, interface, text, &methods);
	free(methods.v);
	free(g.named);
	return r;
}

/* The whole file with a NUL behind it; NULL when it cannot be read. Caller frees. */
static char *read_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	/* A delimiter that no text contains reads it whole; an empty file is none we want. */
	if (f != NULL && getdelim(&text, &size, '\0', f) <= 0) {
		free(text);
		text = NULL;
	}
	if (f != NULL)
		fclose(f);
	return text;
}

int main(int argc, char **argv)
{
	puts("/* SPDX-License-Identifier: GPL-2.0-or-later */\n"
	     "/* Made by varlink_gen from the interface files; changes here are lost. */\n"
	     "#include <stddef.h>\n\n#include \"lib/proto/schema.h\"\n\n"
	     "static const struct schema_type basic[] = {\n"
	     "\t[SCHEMA_BOOL] = { .kind = SCHEMA_BOOL },\n\t[SCHEMA_INT] = { .kind = SCHEMA_INT },\n"
	     "\t[SCHEMA_FLOAT] = { .kind = SCHEMA_FLOAT },\n\t[SCHEMA_STRING] = { .kind = SCHEMA_STRING },\n"
	     "\t[SCHEMA_OBJECT] = { .kind = SCHEMA_OBJECT },\n};");
	for (int i = 1; i < argc; i++) {
		char *text = read_text(argv[i]);
		if (text == NULL) {
			fprintf(stderr, "%s: cannot be read\n", argv[i]);
			return EXIT_FAILURE;
		}
		int r = generate(argv[i], text);
		free(text);
		if (r < 0)
			return EXIT_FAILURE;
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
