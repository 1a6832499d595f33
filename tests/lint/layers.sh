#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The floors of the house: checks every #include and every call of a guarded function against tests/lint/layers.txt,
# and that nobody left a note for later. Reads text only, needs no build.
#
#	tests/lint/layers.sh [directory of the tree]
set -eu
cd "${1:-$(dirname "$0")/../..}"
RULES=tests/lint/layers.txt
failed=0

mapfile -t sources < <(find lib rollback daemon cli tests -name '*.[ch]' | sort)
[ ${#sources[@]} -gt 0 ] || { echo "layers.sh: no sources here" >&2; exit 1; }

# mawk knows no \b and no \<, so words are taken one by one.
LC_ALL=C awk '
function bad(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	failed = 1
}

function dir_of(path) {
	return path ~ /\// ? substr(path, 1, match(path, /\/[^\/]*$/) - 1) : ""
}

# Is PATH the file WHERE, in the folder WHERE, or below WHERE/ ?
function lies_in(path, where) {
	return where == path || where == dir_of(path) || (where ~ /\/$/ && index(path, where) == 1)
}

function lies_in_any(path, list,   n, i, w) {
	n = split(list, w, " ")
	for (i = 1; i <= n; i++)
		if (lies_in(path, w[i]))
			return 1
	return 0
}

function read_rule(   what, i) {
	what = $2
	if ($1 == "edge") {
		edges[what] = " "
		for (i = 3; i <= NF; i++)
			edges[what] = edges[what] $i " "
	} else if ($1 == "only" && NF >= 3) {
		for (i = 3; i <= NF; i++)
			only[what] = only[what] $i " "
	} else if ($1 == "call" && NF >= 3) {
		for (i = 3; i <= NF; i++)
			class_of[$i] = what
	} else if ($1 == "accept" && NF >= 4) {
		accepted[what] = accepted[what] $3 " "
	} else if (NF && $1 !~ /^#/) {
		bad("no such rule, or one without a reason")
	}
}

# The folders that this file may include from; FILENAME must be in a folder with a rule.
function allowed_edges(   where) {
	for (where in edges)
		if (lies_in(FILENAME, where))
			return edges[where]
	return ""
}

function check_include(line,   name, quoted, to, may) {
	sub(/^[ \t]*#[ \t]*include[ \t]*/, "", line)
	quoted = line ~ /^"/
	name = substr(line, 2)
	sub(/[">].*/, "", name)
	if (!quoted) {
		if (name in only && !lies_in_any(FILENAME, only[name]))
			bad("<" name "> belongs to " only[name])
		return
	}
	to = dir_of(name)
	if (to == "") {
		bad("\"" name "\": includes start at the top of the tree")
		return
	}
	may = allowed_edges()
	if (may == "")
		bad("this folder has no edge in layers.txt")
	else if (to != dir_of(FILENAME) && may !~ / \* / && index(may, " " to " ") == 0)
		bad("\"" name "\": " dir_of(FILENAME) " may not know " to)
}

# Without comments and the content of literals; in_comment lasts over lines.
function code_of(line,   out, c, two) {
	out = ""
	while (line != "") {
		if (in_comment) {
			if (!match(line, /\*\//))
				return out
			line = substr(line, RSTART + 2)
			in_comment = 0
			continue
		}
		if (!match(line, /["\047]|\/\*|\/\//))
			return out line
		out = out substr(line, 1, RSTART - 1)
		c = substr(line, RSTART, 1)
		two = substr(line, RSTART, 2)
		line = substr(line, RSTART + (c == "/" ? 2 : 1))
		if (two == "//")
			return out
		if (two == "/*") {
			in_comment = 1
		} else {
			out = out c c
			if (c == "\"" ? !match(line, /^([^"\\]|\\.)*"/) : !match(line, /^([^\047\\]|\\.)*\047/))
				return out
			line = substr(line, RLENGTH + 1)
		}
	}
	return out
}

function check_call(name,   class) {
	if (!(name in class_of))
		return
	class = class_of[name]
	if (!lies_in_any(FILENAME, accepted[class]) && !lies_in_any(FILENAME, accepted[class ":" name]))
		bad(name "() is not for this file (" class ")")
}

function check_calls(code,   before, name) {
	if (match(code, /(^|[^A-Za-z_])(stdout|stderr)([^A-Za-z_]|$)/) && !lies_in_any(FILENAME, accepted["print"]))
		bad("stdout and stderr belong to the floors above 4 (print)")
	while (match(code, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
		before = substr(code, 1, RSTART - 1)
		name = substr(code, RSTART, RLENGTH)
		sub(/[ \t]*\($/, "", name)
		code = substr(code, RSTART + RLENGTH)
		if (before ~ /->$/)
			check_call("->" name)
		else if (before !~ /\.$/)
			check_call(name)
	}
}

FILENAME == rules { read_rule(); next }
FNR == 1 { in_comment = 0; is_test = FILENAME ~ /^tests\// }
/^[ \t]*#[ \t]*include/ { check_include($0) }
!is_test { check_calls(code_of($0)) }
END { exit failed }
' rules="$RULES" "$RULES" "${sources[@]}" >&2 || failed=1

# A thing to be done is a thing to be told, not a mark in the text.
if grep -rnIwE 'TO''DO|FIX''ME|XX''X' --include='*.[ch]' --include='*.sh' --include='*.def' --include='*.conf' \
	--include='*.scd' --include='*.bats' --include=Makefile . --exclude-dir=.git --exclude-dir='build*' >&2; then
	echo "layers.sh: somebody left a note for later" >&2
	failed=1
fi
exit $failed
