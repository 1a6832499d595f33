/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench settings|series|plan|rest: one measurement each, printed as "NAME NUMBER" lines; times are microseconds and
 * medians. run.sh starts the daemons, calls this program and makes the table. Must not start or stop a daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/bench/bench.h"

#define TUNER "org.hfttune.Tuner."
#define WARM_UP 3 /* rounds that are not counted */

_Noreturn void die(const char *subject, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "bench: %s: ", subject);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void *must(void *memory)
{
	if (!memory)
		die("memory", "%s", strerror(ENOMEM));
	return memory;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- samples ---------------------------------------------------------------------------------------------------- */

void samples_add(struct samples *s, uint64_t ns)
{
	if (s->n == SAMPLES_MAX)
		die("rounds", "at most %d", SAMPLES_MAX);
	s->ns[s->n++] = ns;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct samples *s)
{
	if (!s->n)
		die("rounds", "nothing was measured");
	qsort(s->ns, s->n, sizeof(s->ns[0]), compare_ns);
}

uint64_t samples_least(struct samples *s)
{
	sort(s);
	return s->ns[0];
}

uint64_t samples_median(struct samples *s)
{
	sort(s);
	return s->n % 2 ? s->ns[s->n / 2] : (s->ns[s->n / 2 - 1] + s->ns[s->n / 2]) / 2;
}

static void samples_print(const char *name, struct samples *s)
{
	if (!s->n)
		return;
	printf("%s %.1f\n", name, (double)samples_median(s) / 1000);
	printf("%s_least %.1f\n", name, (double)samples_least(s) / 1000);
}

/* --- arguments -------------------------------------------------------------------------------------------------- */

#define SOCKETS_MAX 4
#define ALLOW_MAX 64

struct arguments {
	const char *sockets[SOCKETS_MAX];
	const char *root, *profile, *profile_path, *list, *cli;
	const char *allow[ALLOW_MAX + 1];
	size_t n_sockets, n_allow, max;
	int rounds, cli_rounds, max_risk, seconds;
	char **rest;
	int n_rest;
};

static void set_socket(struct arguments *a, const char *path)
{
	if (a->n_sockets == SOCKETS_MAX)
		die(path, "too many sockets");
	a->sockets[a->n_sockets++] = path;
}

static void set_allow(struct arguments *a, const char *pattern)
{
	if (a->n_allow == ALLOW_MAX)
		die(pattern, "too many patterns");
	a->allow[a->n_allow++] = pattern;
}

static void set_option(struct arguments *a, int option)
{
	const struct {
		int option;
		const char **text;
		int *number;
	} plain[] = {
		{'r', &a->root,         NULL          },
		{'p', &a->profile,      NULL          },
		{'f', &a->profile_path, NULL          },
		{'l', &a->list,         NULL          },
		{'c', &a->cli,          NULL          },
		{'n', NULL,             &a->rounds    },
		{'N', NULL,             &a->cli_rounds},
		{'k', NULL,             &a->max_risk  },
		{'t', NULL,             &a->seconds   },
	};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (plain[i].option != option)
			continue;
		if (plain[i].text)
			*plain[i].text = optarg;
		else
			*plain[i].number = atoi(optarg);
		return;
	}
	if (option == 's')
		set_socket(a, optarg);
	else if (option == 'a')
		set_allow(a, optarg);
	else if (option == 'm')
		a->max = (size_t)atoi(optarg);
	else
		die("usage", "see tests/bench/run.sh");
}

static void parse_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"socket",       required_argument, NULL, 's'},
		{"root",         required_argument, NULL, 'r'},
		{"profile",      required_argument, NULL, 'p'},
		{"profile-path", required_argument, NULL, 'f'},
		{"list",         required_argument, NULL, 'l'},
		{"cli",          required_argument, NULL, 'c'},
		{"rounds",       required_argument, NULL, 'n'},
		{"cli-rounds",   required_argument, NULL, 'N'},
		{"max-risk",     required_argument, NULL, 'k'},
		{"allow",        required_argument, NULL, 'a'},
		{"max",          required_argument, NULL, 'm'},
		{"seconds",      required_argument, NULL, 't'},
		{NULL,           0,                 NULL, 0  },
	};
	int o;

	*a = (struct arguments){.root = "/", .profile = "bench", .max = 200, .rounds = 20, .max_risk = 1, .seconds = 60};
	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0)
		set_option(a, o);
	a->rest = argv + optind;
	a->n_rest = argc - optind;
}

/* --- settings --------------------------------------------------------------------------------------------------- */

static void run_settings(const struct arguments *a)
{
	struct caller c;

	caller_open(&c, a->sockets[0]);
	settings_make(&c, &(struct settings_wanted){
				  .root = a->root,
				  .allow = a->allow,
				  .max_risk = a->max_risk,
				  .max = a->max,
				  .profile_path = a->profile_path,
				  .profile = a->profile,
				  .list_path = a->list,
			  });
	caller_close(&c);
}

/* --- series: apply, verify and rollback, the floor, the whole command line -------------------------------------- */

struct series {
	struct arguments a;
	struct caller c;
	struct settings list;
	int root_fd;
	struct samples apply, verify, rollback, ping, floor_apply, floor_verify, cli_apply, cli_verify;
	size_t apply_bytes, verify_bytes;
};

static struct json *with_profile(const char *profile)
{
	struct json *p = must(json_new_object());

	json_set_string(p, "profile", profile);
	return p;
}

static struct json *with_all(void)
{
	struct json *p = must(json_new_object());

	json_set_bool(p, "all", true);
	return p;
}

static void hold_to(const char *what, size_t got, size_t wanted)
{
	if (got != wanted)
		die(what, "%zu of %zu settings are as wanted", got, wanted);
}

static void hold_summary(const char *what, const struct json *reply, const char *count, size_t wanted)
{
	hold_to(what, (size_t)json_get_int(json_get(reply, "summary"), count, 0), wanted);
}

/* A round that is not counted is as long as one that is, and lands in the dustbin. */
static void note(struct samples *s, bool counts, uint64_t ns)
{
	if (counts)
		samples_add(s, ns);
}

static void floor_round(struct series *s, bool counts)
{
	uint64_t t = now_ns();

	hold_to("floor apply", floor_apply(s->root_fd, &s->list, false), s->list.n);
	note(&s->floor_apply, counts, now_ns() - t);
	t = now_ns();
	hold_to("floor verify", floor_verify(s->root_fd, &s->list), s->list.n);
	note(&s->floor_verify, counts, now_ns() - t);
	hold_to("floor restore", floor_apply(s->root_fd, &s->list, true), s->list.n);
}

static void daemon_round(struct series *s, bool counts)
{
	const struct json *reply = caller_call(&s->c, TUNER "Apply", with_profile(s->a.profile), false, NULL);

	hold_summary("apply", reply, "change", s->list.n);
	note(&s->apply, counts, s->c.ns);
	s->apply_bytes = s->c.bytes;
	reply = caller_call(&s->c, TUNER "Verify", NULL, false, NULL);
	hold_summary("verify", reply, "ok", s->list.n);
	note(&s->verify, counts, s->c.ns);
	s->verify_bytes = s->c.bytes;
	reply = caller_call(&s->c, TUNER "Rollback", with_all(), false, NULL);
	hold_summary("rollback", reply, "restored", s->list.n);
	note(&s->rollback, counts, s->c.ns);
	/* The first one waits for the worker of the rollback to be reaped. */
	for (int i = 0; i < 2; i++)
		caller_call(&s->c, "org.varlink.service.GetInfo", NULL, false, NULL);
	note(&s->ping, counts, s->c.ns);
}

/* From fork to exit of the whole program, its output thrown away. */
static uint64_t run_cli(const struct series *s, const char *verb, const char *argument)
{
	const char *const words[] = {s->a.cli, "--socket", s->a.sockets[0], verb, argument, NULL};
	char *argv[ARRAY_LEN(words)];
	posix_spawn_file_actions_t actions;
	uint64_t t;
	pid_t pid;
	int status;

	memcpy(argv, words, sizeof(argv));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	t = now_ns();
	if (posix_spawn(&pid, s->a.cli, &actions, NULL, argv, environ) != 0)
		die(s->a.cli, "cannot be started");
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die(s->a.cli, "%s did not end with 0", verb);
	t = now_ns() - t;
	posix_spawn_file_actions_destroy(&actions);
	return t;
}

/* A change is refused until the worker of another client's change has been reaped: after that client's reply. */
static void roll_back_after_others(struct series *s)
{
	struct hft_err err;
	int tries = 1000;

	while (!caller_call(&s->c, TUNER "Rollback", with_all(), false, &err)) {
		if (strcmp(err.code, ERR_BUSY) != 0 || !tries--)
			die(err.subject, "%s", err.msg);
		usleep(1000);
	}
	/* Answered when the worker of this very change has been reaped. */
	caller_call(&s->c, "org.varlink.service.GetInfo", NULL, false, NULL);
}

static void cli_round(struct series *s)
{
	samples_add(&s->cli_apply, run_cli(s, "apply", s->a.profile));
	samples_add(&s->cli_verify, run_cli(s, "verify", NULL));
	roll_back_after_others(s);
}

static void print_series(struct series *s)
{
	printf("settings %zu\n", s->list.n);
	samples_print("apply", &s->apply);
	samples_print("verify", &s->verify);
	samples_print("rollback", &s->rollback);
	samples_print("ping", &s->ping);
	samples_print("floor_apply", &s->floor_apply);
	samples_print("floor_verify", &s->floor_verify);
	samples_print("cli_apply", &s->cli_apply);
	samples_print("cli_verify", &s->cli_verify);
	printf("apply_bytes %zu\nverify_bytes %zu\n", s->apply_bytes, s->verify_bytes);
}

/* All in one loop, so that whatever disturbs the machine disturbs both sides of a ratio. */
static void run_series(const struct arguments *a)
{
	struct series *s = must(calloc(1, sizeof(*s)));

	s->a = *a;
	settings_read(a->list, &s->list);
	s->root_fd = open(a->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->root_fd < 0)
		die(a->root, "%s", strerror(errno));
	caller_open(&s->c, a->sockets[0]);
	for (int i = 0; i < WARM_UP + a->rounds; i++) {
		floor_round(s, i >= WARM_UP);
		daemon_round(s, i >= WARM_UP);
	}
	for (int i = 0; i < a->cli_rounds; i++)
		cli_round(s);
	print_series(s);
	caller_close(&s->c);
	close(s->root_fd);
	settings_done(&s->list);
	free(s);
}

/* --- plan: how long it takes on each of several hosts ----------------------------------------------------------- */

static void run_plan(const struct arguments *a)
{
	struct caller c[SOCKETS_MAX];
	struct samples *s = must(calloc(SOCKETS_MAX, sizeof(*s)));
	int64_t steps[SOCKETS_MAX] = {0};

	for (size_t h = 0; h < a->n_sockets; h++)
		caller_open(&c[h], a->sockets[h]);
	for (int i = 0; i < 1 + a->rounds; i++) {
		for (size_t h = 0; h < a->n_sockets; h++) {
			const struct json *reply = caller_call(&c[h], TUNER "Plan", with_profile(a->profile), true, NULL);

			note(&s[h], i > 0, c[h].ns);
			steps[h] = json_get_int(json_get(reply, "summary"), "steps", 0);
		}
	}
	for (size_t h = 0; h < a->n_sockets; h++) {
		printf("plan%zu %.1f\nsteps%zu %lld\n", h + 1, (double)samples_median(&s[h]) / 1000, h + 1,
		       (long long)steps[h]);
		caller_close(&c[h]);
	}
	free(s);
}

/* --- rest: what a daemon does when nobody asks ------------------------------------------------------------------ */

/* The number behind "NAME:" in a file of /proc/PID; the sum when the name occurs again, as Private_ does. */
static long proc_sum(const char *pid, const char *file, const char *name)
{
	CLEANUP(mem_freep) char *path = must(str_printf("/proc/%s/%s", pid, file));
	FILE *f = fopen(path, "re");
	char line[256];
	long sum = 0;

	if (!f)
		die(path, "%s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		const char *colon = strchr(line, ':');

		if (colon && strncmp(line, name, strlen(name)) == 0)
			sum += strtol(colon + 1, NULL, 10);
	}
	fclose(f);
	return sum;
}

/* A process with one thread, which hfttuned is, gives up the CPU once for each time that it is woken. */
static long wakeups(const char *pid)
{
	return proc_sum(pid, "status", "voluntary_ctxt_switches");
}

static void run_rest(const struct arguments *a)
{
	CLEANUP(mem_freep) long *before = must(calloc((size_t)a->n_rest + 1, sizeof(*before)));

	for (int i = 0; i < a->n_rest; i++) {
		if (proc_sum(a->rest[i], "status", "Threads") != 1)
			die(a->rest[i], "has more threads than one");
		before[i] = wakeups(a->rest[i]);
	}
	sleep((unsigned)a->seconds);
	for (int i = 0; i < a->n_rest; i++) {
		printf("wakeups%d %ld\n", i + 1, wakeups(a->rest[i]) - before[i]);
		printf("private%d %ld\n", i + 1, proc_sum(a->rest[i], "smaps_rollup", "Private_"));
		printf("resident%d %ld\n", i + 1, proc_sum(a->rest[i], "smaps_rollup", "Rss"));
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const struct arguments *a);
	} verbs[] = {
		{"settings", run_settings},
		{"series",   run_series  },
		{"plan",     run_plan    },
		{"rest",     run_rest    },
	};
	struct arguments a;

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		parse_arguments(argc - 1, argv + 1, &a);
		verbs[i].run(&a);
		return 0;
	}
	fprintf(stderr, "usage: bench settings|series|plan|rest [OPTION]...\n");
	return 2;
}
