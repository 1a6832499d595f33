# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for hfttune(1): asks the program, which knows its verbs, options and this host's profiles.

function __hfttune_candidates
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	set -l candidates (hfttune complete -- $words[2..-1] "$current" 2>/dev/null)
	switch "$candidates[1]"
		case :file
			__fish_complete_path "$current"
		case :dir
			__fish_complete_directories "$current"
		case '*'
			string join \n -- $candidates
	end
end

complete -c hfttune -f -a '(__hfttune_candidates)'
