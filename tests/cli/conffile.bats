#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Values in files of applications that host.conf lists.
load ../helper

setup() {
	host vm-1cpu
	mkdir -p "$tree/etc/redistill" "$tree/etc/hfttune"
	file=$tree/etc/redistill/redistill.toml
	cat >"$file" <<-'END'
		# of the cache
		[server]
		num_shards = 2048 # 128 KiB each
		bind       = "0.0.0.0"

		[memory]
		eviction_policy = 'allkeys-lru'
	END
	chmod 640 "$file"
	chown nobody "$file" 2>/dev/null || true
	printf '[conffile]\nredistill = /etc/redistill/redistill.toml\n' >"$tree/etc/hfttune/host.conf"
	profile p <<-'END'
		[phase a]
		[a/conffile redistill]
		server.num_shards      = 4096
		server.batch_size      = 16
		memory.eviction_policy = noeviction
		[phase b]
		order = 2
		[b/conffile redistill]
		server.num_shards = 256
	END
}

state() { (cd "$tree/etc/redistill" && find . -printf '%p %m %u %s %i %T@\n' | sed 1d && cat redistill.toml); }

@test "conffile: one value of a line, a line that was not there, and back to the very file" {
	before=$(state)
	exits 3 hft plan p
	exits 0 hft apply p
	same "$(<"$file")" "$(cat <<-'END'
		# of the cache
		[server]
		num_shards = 256 # 128 KiB each
		bind       = "0.0.0.0"
		batch_size = 16

		[memory]
		eviction_policy = 'noeviction'
	END
	)"
	[ "$(stat -c %a "$file")" = 640 ]
	exits 0 hft verify
	exits 0 hft rollback --phase b
	grep -q '^num_shards = 4096 # 128' "$file"
	exits 0 hft rollback --all
	same "$before" "$(state)"
	[ "$(ls -A "$tree/etc/redistill")" = redistill.toml ]
}

@test "conffile: what somebody else changes is theirs, and drift where it is ours" {
	exits 0 hft apply p --phase a
	sed -i -e 's/^# of.*/# another/' -e 's/4096/512/' "$file"
	exits 3 hft verify
	exits 4 hft rollback --all
	grep -q '^num_shards = 512 # 128' "$file"
	exits 0 hft rollback --all --force
	same "$(<"$file")" "$(cat <<-'END'
		# another
		[server]
		num_shards = 2048 # 128 KiB each
		bind       = "0.0.0.0"

		[memory]
		eviction_policy = 'allkeys-lru'
	END
	)"
	[ "$(ls -A "$tree/etc/redistill")" = redistill.toml ]
}

@test "conffile: pending until the unit of the application was started anew" {
	sed -i 's/toml$/& redistill.service/' "$tree/etc/hfttune/host.conf"
	started=$tree/run/systemd/units/invocation:redistill.service
	exits 3 hft plan p
	has "redistill.service has to be restarted afterwards"
	exits 0 hft apply p
	exits 0 hft --json verify
	[ "$(field '[.steps[].state] | unique | join(" ")')" = "beneath ok" ] # it does not run
	mkdir -p "${started%/*}"
	ln -s 0123 "$started"
	touch -h -d '1 hour ago' "$started"
	exits 0 hft --json verify
	[ "$(field '[.steps[] | select(.state == "pending") | .reason] | unique | .[]')" = restart ]
	[ "$(field '.steps[] | select(.state == "pending") | .object' | head -n 1)" = "redistill redistill.service server.batch_size" ]
	ln -sf 4567 "$started"
	exits 0 hft --json verify
	[ "$(field '[.steps[].state] | unique | join(" ")')" = "beneath ok" ]
	exits 0 hft rollback --all
	printf '[conffile]\nredistill = /etc/redistill/redistill.toml ../x\n' >"$tree/etc/hfttune/host.conf"
	refused 2 invalid-profile redistill 'server.num_shards = 1'
}

refused() { # STATUS CODE SELECTOR SETTING
	printf '[phase a]\n[a/conffile %s]\n%s\n' "$3" "$4" >"$profiles/r.conf"
	exits "$1" hft --json apply r
	[ "$(field .error.code)" = "$2" ] || { echo "$output" >&2; return 1; }
}

@test "conffile: no other file, no other line, and nothing that the rules of lines cannot tell" {
	before=$(<"$file")
	refused 2 no-match shadow 'a.b = 1'
	refused 2 no-match /etc/redistill/redistill.toml 'a.b = 1'
	refused 2 invalid-profile redistill '../b = 1'
	refused 2 out-of-bounds redistill 'server.num_shards = many'
	refused 4 conflict redistill 'network.port = 1'
	echo 'list = [' >>"$file"
	refused 4 conflict redistill 'server.num_shards = 1'
	[[ $(field .error.message) == *redistill.toml:8* ]]
	sed -i '$d' "$file"
	mv "$file" "$file.real"
	ln -s redistill.toml.real "$file"
	refused 1 io redistill 'server.num_shards = 1'
	mv "$file.real" "$file"
	echo 'other = etc/passwd' >>"$tree/etc/hfttune/host.conf"
	refused 2 invalid-profile redistill 'server.num_shards = 1'
	[[ $(field .error.where) == */host.conf:3 ]]
	same "$before" "$(<"$file")"
	[ "$(ls -A "$tree/etc/redistill")" = redistill.toml ]
}

# What the service cannot write is said with what to do about it.
@test "conffile: a read-only file system names the drop-in" {
	needs_root
	unshare -m true 2>/dev/null || skip "no mount namespace of its own"
	cat >"$BATS_TEST_TMPDIR/read-only" <<-'END'
		mount --bind -o ro "$1" "$1"
		mount -o remount,bind,ro "$1"
		shift
		exec "$@"
	END
	exits 1 unshare -m bash -e "$BATS_TEST_TMPDIR/read-only" "$tree/etc/redistill" \
		"$build/hfttune" --root "$tree" --profile-dir "$profiles" --json apply p
	[[ $(field .error.hint) == *ReadWritePaths=/etc/redistill* ]]
	exits 0 hft --json status
	[ "$(field '.layers | length')" = 0 ]
}
