#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# P2: killed at any call, or failing in any call, the host ends wholly before or wholly after, and the journal knows.
load ../helper

ways="crash crash-after kill" failures="EIO ENOSPC"
[ -z "${HFT_QUICK:-}" ] || ways=crash failures=EIO # enough to notice a mutant

setup() {
	host vm-1cpu
	profile p <<-'END'
		[profile]
		summary = three objects, one of them twice
		[phase a]
		order = 1
		[phase b]
		order = 2
		[a/sysctl]
		vm.swappiness = 11
		vm.dirty_bytes = 1048576
		[b/sysctl]
		vm.swappiness = 12
		net.core.somaxconn = 1234
	END
	before=$(values)
}

values() {
	local f v
	for f in vm/swappiness vm/dirty_bytes vm/dirty_ratio net/core/somaxconn; do
		read -r v <"$tree/proc/sys/$f"
		echo "$f $v"
	done
}

fresh() {
	rm -rf "$tree/var/lib/hfttune"
	restore_tree
}

restore_tree() {
	while read -r f v; do printf '%s\n' "$v" >"$tree/proc/sys/$f"; done <<<"$before"
}

# recover: what the next changing verb does first. Nothing in force afterwards, or everything.
recover() {
	hft repair >"$BATS_TEST_TMPDIR/recover.log" 2>&1
}

@test "P2 killed at every call of an apply: before or after, and nothing lost" {
	after=$(hft apply p >/dev/null && values)
	fresh
	every_point changing apply p
	fresh
	[ "$n" -gt 15 ]
	befores=0 afters=0
	for i in "${points[@]}"; do
		for how in $ways; do
			HFT_FAULT="*:$i:$how" hft apply p >/dev/null 2>&1 || true
			recover
			now=$(values)
			case $now in
			"$before") befores=$((befores + 1)) ;;
			"$after") afters=$((afters + 1)) ;;
			*) printf 'point %s of %s (%s): neither\n%s\n' "$i" "$n" "$how" "$now" >&2; return 1 ;;
			esac
			exits 0 hft rollback --all
			same "$before" "$(values)" || { echo "point $i ($how): the original was lost" >&2; return 1; }
			fresh
		done
	done
	echo "# $n points, each by $ways: $befores before, $afters after" >&3
	[ "$befores" -gt 0 ] && [ "$afters" -gt 0 ]
}

@test "P2 killed at every call of a rollback: nothing lost" {
	hft apply p >/dev/null
	after=$(values)
	every_point changing rollback --all
	fresh
	[ "$n" -gt 15 ]
	for i in "${points[@]}"; do
		hft apply p >/dev/null
		HFT_FAULT="*:$i:crash" hft rollback --all >/dev/null 2>&1 || true
		recover
		now=$(values)
		[ "$now" = "$before" ] || [ "$now" = "$after" ] ||
			{ printf 'point %s of %s: neither\n%s\n' "$i" "$n" "$now" >&2; return 1; }
		exits 0 hft rollback --all
		same "$before" "$(values)" || { echo "point $i: the original was lost" >&2; return 1; }
		fresh
	done
	echo "# $n points" >&3
}

@test "P2 every call of an apply fails once: no lie, nothing lost" {
	every_point telling apply p
	after=$(values)
	fresh
	[ "$n" -gt 15 ]
	for e in $failures; do
		for i in "${points[@]}"; do
			status=0
			HFT_FAULT="*:$i:$e" hft apply p >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
			now=$(values)
			if [ "$status" = 0 ]; then
				[ "$now" = "$after" ] || { echo "$e at $i: said ok, and is not" >&2; return 1; }
			elif [ "$status" != 7 ]; then
				[ "$now" = "$before" ] ||
					{ echo "$e at $i: exit $status, and not as before: $now" >&2; cat "$BATS_TEST_TMPDIR/out" >&2; return 1; }
			fi
			recover
			if [ "$status" = 0 ]; then
				same "$after" "$(values)" || { echo "$e at $i: said ok, and was undone" >&2; return 1; }
			fi
			exits 0 hft rollback --all
			same "$before" "$(values)" || { echo "$e at $i: the original was lost" >&2; return 1; }
			fresh
		done
	done
	echo "# $n points, each with $failures" >&3
}

# at_boot: layers of an earlier boot, and the values of this one.
at_boot() {
	rm -rf "$tree/var/lib/hfttune"
	cp -a "$BATS_TEST_TMPDIR/state" "$tree/var/lib/hfttune"
	restore_tree
}

boot_with_layers() { # WHICH: every_point's
	hft apply p >/dev/null
	after=$(values)
	cp -a "$tree/var/lib/hfttune" "$BATS_TEST_TMPDIR/state"
	cat /proc/sys/kernel/random/uuid >"$tree/proc/sys/kernel/random/boot_id"
	before="vm/swappiness 61"$'\n'"${before#*$'\n'}"
	at_boot
	every_point "$1" replay
	at_boot
	[ "$n" -gt 15 ]
}

# recover_only: by a changing verb that is refused after that.
recover_only() {
	exits 2 hft rollback --phase no-such-phase
}

@test "P2 killed at every call of a replay: as the boot was, or all in force, and nothing lost" {
	boot_with_layers changing
	befores=0 afters=0
	for i in "${points[@]}"; do
		HFT_FAULT="*:$i:crash" hft replay >/dev/null 2>&1 || true
		recover_only
		now=$(values)
		case $now in
		"$before") befores=$((befores + 1)) ;;
		"$after") afters=$((afters + 1)) ;;
		*) printf 'point %s of %s: neither\n%s\n' "$i" "$n" "$now" >&2; return 1 ;;
		esac
		exits 0 hft replay
		same "$after" "$(values)" || { echo "point $i: a layer was lost" >&2; return 1; }
		exits 0 hft rollback --all
		same "$before" "$(values)" || { echo "point $i: the original was lost" >&2; return 1; }
		at_boot
	done
	echo "# $n points: $befores before, $afters after" >&3
	[ "$befores" -gt 0 ] && [ "$afters" -gt 0 ]
}

@test "P2 every call of a replay fails once: no lie, nothing lost" {
	boot_with_layers telling changing
	for i in "${points[@]}"; do
		status=0
		HFT_FAULT="*:$i:EIO" hft replay >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
		now=$(values)
		if [ "$status" = 0 ]; then
			same "$after" "$now" || { echo "point $i: said ok, and is not" >&2; return 1; }
		elif [ "$status" != 7 ]; then
			same "$before" "$now" || { echo "point $i: exit $status, and not as before" >&2; return 1; }
		fi
		exits 0 hft replay
		same "$after" "$(values)" || { echo "point $i: a layer was lost" >&2; return 1; }
		exits 0 hft rollback --all
		same "$before" "$(values)" || { echo "point $i: the original was lost" >&2; return 1; }
		at_boot
	done
	echo "# $n points" >&3
}

@test "P2 killed again during the recovery: the next one ends it" {
	HFT_FAULT="write@*somaxconn:1:crash-after" hft apply p >/dev/null 2>&1 || true
	[ "$(value /proc/sys/vm/swappiness)" = 12 ]
	for i in 1 2 3 4; do
		HFT_FAULT="write:$i:crash" hft repair >/dev/null 2>&1 || true
	done
	exits 0 hft repair
	same "$before" "$(values)"
	exits 0 hft --json status
	[ "$(field '.layers | length')" = 0 ]
	[ "$(field .unfinished)" = null ]
}

@test "P2 the originals are durable before the first write" {
	HFT_FAULT_COUNT=$BATS_TEST_TMPDIR/points hft apply p >/dev/null
	# The journal up to the first write to the host: flushed, then under its name, the name flushed, a step begun.
	same "$(printf '%s\n' append sync rename sync append write)" \
		"$(sed -n '1,/^write .proc/{/hfttune.txn\|^write .proc/s/ .*//p}' "$BATS_TEST_TMPDIR/points" | tail -6)"
}
