/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which interrupts a selector of knob irq names (the grammar is in the header). Reads and changes nothing. */
#include "daemon/knobs/irq_selector.h"

#include <errno.h>
#include <string.h>

#include "daemon/host/host.h"
#include "lib/base/cpuset.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/num.h"

/* "ahci[0000:00:17.0]" is a name as well as a pattern. "" is the absence of a name, which "*" must not match. */
static bool name_is(const char *name, const char *wanted)
{
	return name[0] != '\0' && (str_eq(name, wanted) || str_match(wanted, name));
}

#define QUEUE_MAX 99999 /* a longer number is an address or a serial number */

/* The number at the end of an action name, before any "@"; -1 when it ends in something else. */
static int queue_number(const char *action)
{
	size_t end = strcspn(action, "@"), start = end;
	char digits[8];
	int64_t queue;

	while (start > 0 && action[start - 1] >= '0' && action[start - 1] <= '9')
		start--;
	while (start + 1 < end && action[start] == '0')
		start++;
	if (end - start >= sizeof(digits))
		return -1;
	memcpy(digits, action + start, end - start);
	digits[end - start] = '\0';
	return num_parse_range(digits, 0, QUEUE_MAX, &queue) == 0 ? (int)queue : -1;
}

static bool action_name_is(const char *action, const char *wanted)
{
	return name_is(action, wanted);
}

static bool action_queue_in(const char *action, const char *wanted)
{
	struct cpuset queues;
	int queue = queue_number(action);

	return queue >= 0 && cpuset_parse(wanted, &queues, NULL) == 0 && cpuset_has(&queues, (unsigned)queue);
}

static bool any_action(const struct host_irq *irq, bool (*matches)(const char *action, const char *wanted),
                       const char *wanted)
{
	CLEANUP(strlist_done) struct strlist actions = {0};

	if (strlist_split(&actions, irq->actions, ",") < 0)
		return false;
	for (size_t i = 0; i < actions.n; i++)
		if (matches(actions.s[i] + strspn(actions.s[i], " \t"), wanted))
			return true;
	return false;
}

static bool match_nic(const struct host_irq *irq, const char *wanted)
{
	return name_is(irq->nic, wanted);
}

static bool match_device(const struct host_irq *irq, const char *wanted)
{
	return name_is(irq->device, wanted);
}

static bool match_driver(const struct host_irq *irq, const char *wanted)
{
	return name_is(irq->driver, wanted);
}

static bool match_action(const struct host_irq *irq, const char *wanted)
{
	return any_action(irq, action_name_is, wanted);
}

static bool match_queue(const struct host_irq *irq, const char *wanted)
{
	return any_action(irq, action_queue_in, wanted);
}

static bool match_any_name(const struct host_irq *irq, const char *wanted)
{
	return name_is(irq->key, wanted) || match_nic(irq, wanted) || match_device(irq, wanted) ||
	       match_action(irq, wanted);
}

static const struct {
	const char *prefix;
	bool (*matches)(const struct host_irq *irq, const char *wanted);
} words[] = {
	{"nic:",    match_nic   },
	{"device:", match_device},
	{"driver:", match_driver},
	{"action:", match_action},
	{"queue:",  match_queue },
};

static bool match_word(const struct host_irq *irq, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_starts(word, words[i].prefix))
			return words[i].matches(irq, word + strlen(words[i].prefix));
	return match_any_name(irq, word);
}

/* As a whole first: keys and some action names ("PCIe PME") hold blanks. */
bool irq_selector_matches(const struct irq_selector *s, const struct host_irq *irq)
{
	if (match_any_name(irq, s->text))
		return true;
	for (size_t i = 0; i < s->words.n; i++)
		if (!match_word(irq, s->words.s[i]))
			return false;
	return true;
}

static int check_word(const char *word, struct hft_err *err)
{
	struct cpuset queues;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(word, words[i].prefix))
			return err_raise(err, ERR_INVALID_PROFILE, EINVAL, word, "'%s' names nothing", word);
	if (str_starts(word, "queue:") && cpuset_parse(word + strlen("queue:"), &queues, NULL) < 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, word, "'%s' is not a list of queue numbers", word);
	return 0;
}

int irq_selector_parse(const char *text, struct irq_selector *ret, struct hft_err *err)
{
	CLEANUP(irq_selector_done) struct irq_selector s = {.text = text};

	if (strlist_split(&s.words, text, " \t") < 0)
		return err_oom(err);
	if (s.words.n == 0)
		return err_raise(err, ERR_INVALID_PROFILE, EINVAL, "affinity",
		                 "affinity needs a selector: '*', a device, a driver:NAME, a NIC or an action name");
	for (size_t i = 0; i < s.words.n; i++) {
		int r = check_word(s.words.s[i], err);
		if (r < 0)
			return r;
	}
	*ret = s;
	s.words = (struct strlist){0};
	return 0;
}

void irq_selector_done(struct irq_selector *s)
{
	strlist_done(&s->words);
}

bool irq_selector_is_literal(const struct irq_selector *s)
{
	return !str_is_pattern(s->text);
}
