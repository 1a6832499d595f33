/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack: the clients that nobody wishes for, for tests/server. What is sent comes from standard input as it is, with
 * every NUL; what comes back is printed, a line per message. Shares no code with the program that it attacks, and must
 * not know any method.
 *
 *     attack talk    SOCKET [half|keep|close|deaf] [MS]   send all, then: end the sending half (the default), keep all
 *                                           open, close at once, or never read; until the other side closes, or MS
 *     attack become  SOCKET FROM TO         connect as uid FROM, become uid TO, then as talk; needs root
 *     attack drip    SOCKET MS              send a byte every MS milliseconds, until the other side closes
 *     attack flood   SOCKET N               N connections at a time; the counts, then wait for the end of input
 *     attack rights  SOCKET N FDS           the message N times, each with FDS descriptors attached
 *     attack forge   SOCKET                 the message with credentials of uid 0 attached
 *     attack latency SOCKET N               the message N times, one after the other: median, p99 and worst, in us
 *     attack storm   SOCKET N SEED          N connections that send the message with bytes broken at random
 *     attack race    PATH                   wait for the path to appear and print every mode that it is seen with
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX (64 * 1024 * 1024)
#define RIGHTS_MAX 253 /* SCM_MAX_FD of the kernel */
#define DEFAULT_MS 20000
#define RACE_MS 10000

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "attack: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t now_ms(void)
{
	return now_us() / 1000;
}

static int try_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	int sys = errno;
	if (fd >= 0)
		close(fd);
	errno = sys;
	return -1;
}

static int must_connect(const char *path)
{
	int fd = try_connect(path);

	if (fd < 0)
		die(path);
	return fd;
}

/* --- what is sent --------------------------------------------------------------------------------------------------- */

struct input {
	char *data;
	size_t len, sent;
};

static void input_free(struct input *in)
{
	free(in->data);
}

#define INPUT __attribute__((cleanup(input_free))) struct input

static struct input read_input(void)
{
	struct input in = { 0 };
	size_t cap = 0;
	ssize_t n;

	do {
		if (in.len == cap) {
			cap = cap > 0 ? 2 * cap : 65536;
			in.data = cap <= INPUT_MAX ? realloc(in.data, cap) : NULL;
			if (in.data == NULL)
				die("input");
		}
		n = read(0, in.data + in.len, cap - in.len);
		if (n < 0)
			die("input");
		in.len += (size_t)n;
	} while (n > 0);
	return in;
}

static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* --- talk ----------------------------------------------------------------------------------------------------------- */

enum manner { MANNER_HALF, MANNER_KEEP, MANNER_CLOSE, MANNER_DEAF, N_MANNERS };

static const char *const manner_names[N_MANNERS] = { "half", "keep", "close", "deaf" };

static enum manner parse_manner(const char *word)
{
	for (int i = 0; i < N_MANNERS; i++)
		if (strcmp(manner_names[i], word) == 0)
			return (enum manner)i;
	errno = EINVAL;
	die(word);
}

/* Send what goes; true while something is left. */
static bool send_some(int fd, struct input *in, enum manner manner)
{
	ssize_t n = send(fd, in->data + in->sent, in->len - in->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN)
		in->sent = in->len;
	if (n > 0)
		in->sent += (size_t)n;
	if (in->sent == in->len && manner == MANNER_HALF)
		shutdown(fd, SHUT_WR);
	return in->sent < in->len;
}

/* Print what came; false at the end. */
static bool print_some(int fd)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return true;
	for (ssize_t i = 0; i < n; i++)
		putchar(buf[i] != '\0' ? buf[i] : '\n');
	fflush(stdout);
	return n > 0;
}

/* A deaf one sees the end by the hang-up alone. */
static short wanted_events(bool sending, enum manner manner)
{
	return (short)((sending ? POLLOUT : 0) | (manner != MANNER_DEAF ? POLLIN : 0));
}

static int talk(int fd, struct input *in, enum manner manner, int64_t ms)
{
	int64_t start = now_ms();
	bool sending = send_some(fd, in, manner);

	if (manner == MANNER_CLOSE)
		return close(fd);
	for (;;) {
		int64_t left = start + ms - now_ms();
		struct pollfd p = { .fd = fd, .events = wanted_events(sending, manner) };
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			break;
		if (p.revents & POLLOUT)
			sending = send_some(fd, in, manner);
		bool over = manner == MANNER_DEAF ? p.revents & (POLLHUP | POLLERR) : !print_some(fd);
		if (over) {
			printf("-- closed after %lld ms\n", (long long)(now_ms() - start));
			return 0;
		}
	}
	printf("-- open\n");
	return 0;
}

static int run_talk(int argc, char **argv)
{
	enum manner manner = parse_manner(argc > 3 ? argv[3] : "half");
	INPUT in = read_input();

	return talk(must_connect(argv[2]), &in, manner, argc > 4 ? atoll(argv[4]) : DEFAULT_MS);
}

static int run_become(int argc, char **argv)
{
	uid_t from = (uid_t)atoi(argv[3]), to = (uid_t)atoi(argv[4]);

	(void)argc;
	if (seteuid(from) < 0)
		die("seteuid");
	int fd = must_connect(argv[2]);
	if (seteuid(0) < 0 || setresuid(to, to, to) < 0)
		die("setresuid");
	INPUT in = read_input();
	return talk(fd, &in, MANNER_HALF, DEFAULT_MS);
}

static int run_drip(int argc, char **argv)
{
	INPUT in = read_input();
	int fd = must_connect(argv[2]);
	int64_t start = now_ms();

	(void)argc;
	for (size_t i = 0; now_ms() - start < DEFAULT_MS; i++) {
		struct pollfd p = { .fd = fd };
		if (!send_all(fd, &in.data[i % in.len], 1) || (poll(&p, 1, atoi(argv[3])) > 0 && p.revents & POLLHUP)) {
			printf("-- closed after %lld ms\n", (long long)(now_ms() - start));
			return 0;
		}
	}
	printf("-- open\n");
	return 0;
}

/* --- many connections ----------------------------------------------------------------------------------------------- */

struct counts {
	size_t kept, told, closed, failed;
};

/* Has the other side given it up? With a word, or without one. */
static void judge(int *fd, struct counts *counts, bool *told)
{
	char buf[4096];
	ssize_t n = recv(*fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0) {
		*told = true;
		n = recv(*fd, buf, sizeof(buf), MSG_DONTWAIT);
	}
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	close(*fd);
	*fd = -1;
	counts->told += *told;
	counts->closed += !*told;
}

static void allow_descriptors(size_t n)
{
	struct rlimit limit = { n + 64, n + 64 };

	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void judge_all(int *fds, bool *told, size_t n, struct counts *counts)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			judge(&fds[i], counts, &told[i]);
}

static int run_flood(int argc, char **argv)
{
	size_t n = (size_t)atoll(argv[3]);
	int *fds = calloc(n, sizeof(*fds));
	bool *told = calloc(n, sizeof(*told));
	struct counts counts = { 0 };

	(void)argc;
	if (fds == NULL || told == NULL)
		die("memory");
	allow_descriptors(n);
	for (size_t i = 0; i < n; i++) {
		fds[i] = try_connect(argv[2]);
		counts.failed += fds[i] < 0;
	}
	poll(NULL, 0, 300);
	judge_all(fds, told, n, &counts);
	for (size_t i = 0; i < n; i++)
		counts.kept += fds[i] >= 0;
	printf("kept %zu told %zu closed %zu failed %zu\n", counts.kept, counts.told, counts.closed, counts.failed);
	fflush(stdout);
	INPUT until = read_input();
	(void)until;
	free(fds);
	free(told);
	return 0;
}

/* --- ancillary data ------------------------------------------------------------------------------------------------- */

static bool send_with(int fd, const struct input *in, int type, const void *data, size_t len)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
	} u = { 0 };
	struct iovec iov = { .iov_base = in->data, .iov_len = in->len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(head), data, len);
	return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)in->len;
}

static int run_rights(int argc, char **argv)
{
	INPUT in = read_input();
	size_t n = (size_t)atoi(argv[3]), n_fds = (size_t)atoi(argv[4]);
	int fds[RIGHTS_MAX], fd = must_connect(argv[2]);

	(void)argc;
	if (n_fds > RIGHTS_MAX) {
		errno = EINVAL;
		die("FDS");
	}
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = fd;
	for (size_t i = 0; i < n; i++)
		if (!send_with(fd, &in, SCM_RIGHTS, fds, n_fds * sizeof(fds[0])))
			die("sendmsg");
	return talk(fd, &(struct input){ 0 }, MANNER_HALF, DEFAULT_MS);
}

static int run_forge(int argc, char **argv)
{
	INPUT in = read_input();
	struct ucred root = { .pid = getpid() };
	int fd = must_connect(argv[2]);

	(void)argc;
	if (!send_with(fd, &in, SCM_CREDENTIALS, &root, sizeof(root)))
		die("sendmsg");
	return talk(fd, &(struct input){ 0 }, MANNER_HALF, DEFAULT_MS);
}

/* --- time ----------------------------------------------------------------------------------------------------------- */

static void await_reply(int fd)
{
	char buf[65536];
	ssize_t n;

	do {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n <= 0)
			die("no reply");
	} while (buf[n - 1] != '\0');
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int run_latency(int argc, char **argv)
{
	INPUT in = read_input();
	size_t n = (size_t)atoi(argv[3]);
	int64_t *us = calloc(n + 1, sizeof(*us));
	int fd = must_connect(argv[2]);

	(void)argc;
	for (size_t i = 0; us != NULL && i < n; i++) {
		int64_t start = now_us();
		if (!send_all(fd, in.data, in.len))
			die("send");
		await_reply(fd);
		us[i] = now_us() - start;
	}
	if (us == NULL || n == 0)
		die("latency");
	qsort(us, n, sizeof(*us), compare);
	printf("p50 %lld p99 %lld max %lld\n", (long long)us[n / 2], (long long)us[n * 99 / 100], (long long)us[n - 1]);
	free(us);
	return 0;
}

/* --- chance --------------------------------------------------------------------------------------------------------- */

/* One to four bytes become others, now and then the rest is cut off. */
static size_t break_bytes(char *to, const struct input *in, unsigned *seed)
{
	int n = 1 + rand_r(seed) % 4;

	memcpy(to, in->data, in->len);
	for (int i = 0; i < n; i++)
		to[(size_t)rand_r(seed) % in->len] = (char)rand_r(seed);
	return rand_r(seed) % 8 == 0 ? (size_t)rand_r(seed) % in->len : in->len;
}

static void drain(int fd)
{
	char buf[65536];

	shutdown(fd, SHUT_WR);
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

static int run_storm(int argc, char **argv)
{
	INPUT in = read_input();
	unsigned seed = (unsigned)atoi(argv[4]);
	char *broken = malloc(in.len + 1);

	(void)argc;
	if (broken == NULL || in.len == 0)
		die("input");
	for (int i = 0; i < atoi(argv[3]); i++) {
		int fd = must_connect(argv[2]);
		size_t len = break_bytes(broken, &in, &seed);
		if (send_all(fd, broken, len) && rand_r(&seed) % 4 != 0)
			drain(fd);
		close(fd);
	}
	free(broken);
	return 0;
}

static int run_race(int argc, char **argv)
{
	int64_t start = now_ms(), seen_ms = 0;
	mode_t last = 0;
	struct stat st;

	(void)argc;
	/* 100 ms after it was first seen nothing more is to be expected. */
	while (now_ms() - start < RACE_MS && (seen_ms == 0 || now_ms() - seen_ms < 100)) {
		if (lstat(argv[2], &st) < 0 || st.st_mode == last)
			continue;
		seen_ms = now_ms();
		last = st.st_mode;
		printf("%o\n", last & 07777U);
	}
	return 0;
}

static const struct command {
	const char *name;
	int n_args; /* that it needs */
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "talk",    1, run_talk    },
	{ "become",  3, run_become  },
	{ "drip",    2, run_drip    },
	{ "flood",   2, run_flood   },
	{ "rights",  3, run_rights  },
	{ "forge",   1, run_forge   },
	{ "latency", 2, run_latency },
	{ "storm",   3, run_storm   },
	{ "race",    1, run_race    },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[1]) == 0 && argc >= 2 + commands[i].n_args)
			return commands[i].run(argc, argv);
	fprintf(stderr, "usage: attack talk|become|drip|flood|rights|forge|latency|storm|race ...\n");
	return 2;
}
