#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line says the same everywhere: verbs, options and exit statuses in the help, in the manual pages and in
# the completion; the options of the daemon in its help and its manual page. Needs the built programs.
#
#	tests/lint/cli.sh [BUILD]      (default: build; HFTTUNED= leaves the daemon out)
set -eu
cd "$(dirname "$0")/../.."
BUILD=${1:-build}
HFTTUNE=$BUILD/hfttune
HFTTUNED=${HFTTUNED-$BUILD/hfttuned}
MAN=man/hfttune.1.scd
DAEMON_MAN=man/hfttuned.8.scd
failed=0

bad() {
	echo "cli.sh: $*" >&2
	failed=1
}

# Two lists of words, one per line, must be the same.
compare() { # what, name of the first, first, name of the second, second
	local only
	only=$(comm -23 <(sort -u <<<"$3") <(sort -u <<<"$5"))
	[ -z "$only" ] || bad "$1 in $2 but not in $4: ${only//$'\n'/ }"
	only=$(comm -13 <(sort -u <<<"$3") <(sort -u <<<"$5"))
	[ -z "$only" ] || bad "$1 in $4 but not in $2: ${only//$'\n'/ }"
	[ -n "$3" ] || bad "no $1 found in $2"
}

# --- what each of them says ---

help_section() { # title
	"$HFTTUNE" --help | awk -v title="$1" '$0 == title { on = 1; next } /^$/ { on = 0 } on'
}

first_words() {
	awk '/^  [^ ]/ { print $1 }'
}

complete() {
	"$HFTTUNE" --socket /nonexistent/socket complete -- "$@"
}

# The bold word at the start of each definition in a section of a page.
man_terms() { # page, section
	awk -v title="# $2" '$0 == title { on = 1; next } /^# / { on = 0 } on' "$1" |
		sed -n 's/^\*\([^*]*\)\*.*/\1/p'
}

# The line of a verb in the page: its options.
man_verb_options() { # verb
	awk -v title="# VERBS" '$0 == title { on = 1; next } /^# / { on = 0 } on' "$MAN" |
		grep "^\*$1\*" | grep -o -- '\*--[a-z-]*\*' | tr -d '*'
}

verbs=$(help_section Verbs | first_words)
global=$(help_section "Options of every verb" | first_words)

verb_options() { # verb
	"$HFTTUNE" "$1" --help | awk '$0 == "Options" { on = 1; next } /^$/ { on = 0 } on' | first_words
}

# --- comparing ---

compare verbs "the help" "$verbs" "$MAN" "$(man_terms "$MAN" VERBS)"
compare verbs "the help" "$verbs" "the completion" "$(complete "")"

all_options=$global
for verb in $verbs; do
	own=$(verb_options "$verb")
	all_options+=$'\n'$own
	[ -z "$own" ] || compare "options of $verb" "its help" "$own" "$MAN" "$(man_verb_options "$verb")"
	[ -n "$own" ] || [ -z "$(man_verb_options "$verb")" ] || bad "$MAN gives $verb options that it has not"
	usage=$("$HFTTUNE" "$verb" --help | sed '/^$/q' | grep -o -- '--[a-z-]*' || true)
	[ -z "$own" ] || compare "options of $verb" "its help" "$own" "its usage line" "$usage"
	# What needs another option first, or excludes the --socket of this test, is not offered.
	offered=$(complete "$verb" --; complete --standalone "$verb" -- 2>/dev/null || true)
	for option in $own $global; do
		[ "$option" = --socket ] || [ "$option" = --standalone ] || grep -qx -- "$option" <<<"$offered" ||
			"$HFTTUNE" complete -- --standalone "$verb" -- | grep -qx -- "$option" ||
			bad "$option of $verb is not offered by the completion"
	done
	for option in $offered; do
		grep -qx -- "$option" <<<"$own"$'\n'"$global" || bad "the completion offers $option for $verb"
	done
done
compare options "the help" "$(grep . <<<"$all_options")" "$MAN" "$(man_terms "$MAN" OPTIONS | grep '^--')"
compare "exit statuses" "the help" "$(help_section "Exit status" | first_words)" "$MAN" "$(man_terms "$MAN" "EXIT STATUS")"

if [ -n "$HFTTUNED" ]; then
	compare "options of hfttuned" "its help" "$("$HFTTUNED" --help | grep -o -- '--[a-z-]*')" "$DAEMON_MAN" \
		"$(man_terms "$DAEMON_MAN" OPTIONS | grep '^--' | grep -v -x -- --help)"
fi

# The scripts of the shells ask, and know nothing themselves.
for script in packaging/completion/*; do
	for word in $verbs $all_options; do
		sed 's/^[[:space:]]*#.*//' "$script" | grep -qwF -- "hfttune $word" && bad "$script knows $word"
	done
	grep -q 'complete --' "$script" || bad "$script does not ask hfttune complete"
done

# Pages that scdoc does not take are no pages.
for page in man/*.scd; do
	scdoc <"$page" >/dev/null || bad "$page: scdoc does not take it"
done
exit $failed
