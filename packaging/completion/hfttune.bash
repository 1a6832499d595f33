# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for hfttune(1): asks the program, which knows its verbs, options and this host's profiles.

_hfttune() {
	local candidates
	local cur=${COMP_WORDS[COMP_CWORD]}

	mapfile -t candidates < <("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	case ${candidates[0]-} in
	:file)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	:dir)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	*)
		COMPREPLY=("${candidates[@]}")
		;;
	esac
}

complete -F _hfttune hfttune
