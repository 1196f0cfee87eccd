#!/bin/bash
# check.sh - make check: every test there is, on a machine that may be fresh.
#
# One stage after the other, the quick ones first; it stops at the first that
# fails.  The fuzzers run meanwhile on what the others leave of the processor,
# and are waited for before the servers are tested.  The last line counts.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 fuzz_pid=''

finish() # FAILED
{
	[ -z "$fuzz_pid" ] || kill -TERM -- "-$fuzz_pid" 2>/dev/null
	echo "check: $SECONDS s in all"
	echo "$passed passed, $1 failed"
	exit "$1"
}
trap 'finish 1' INT TERM

fail() # NAME WHY
{
	echo "check: $1 FAILED: $2"
	finish 1
}

# stage NAME COMMAND...
stage()
{
	local name=$1 start=$SECONDS
	shift
	echo "== $name: $*"
	"$@" </dev/null || fail "$name" "exit $? of $*"
	passed=$((passed + 1))
	echo "== $name: passed, $((SECONDS - start)) s"
}

# In a process group of its own, so that a failure elsewhere can end it.
start_fuzzing()
{
	fuzz_start=$SECONDS
	setsid nice -n 19 make -s fuzz >build/fuzz.log 2>&1 </dev/null &
	fuzz_pid=$!
}

# shellcheck disable=SC2317 # called through stage
end_fuzzing()
{
	local rc=0
	wait "$fuzz_pid" || rc=$?
	fuzz_pid=''
	cat build/fuzz.log
	return "$rc"
}

stage deps scripts/deps.sh check
stage layers make layers
stage gcc make -s -j2 all
stage clang make -s -j2 all CC=clang BUILD=build/clang
start_fuzzing
stage lint make lint
stage man make manlint
stage readme make -s readme
stage unit make -s -j2 unit
stage sanitizers make -s -j2 unit SAN=address,undefined
stage tsan make -s -j2 tsan
stage valgrind make -s -j2 valgrind
stage sim make -s sim
stage "sim, sanitized" make -s sim SAN=address,undefined SIM_HISTORIES=3000
stage cost make -s cost
stage scripts /usr/bin/python3 -B -m pytest -q -p no:cacheprovider tests/scripts
stage simulator /usr/bin/python3 -B -m pytest -q -p no:cacheprovider tests/simulator
stage "fuzz (since $fuzz_start s)" end_fuzzing
stage torture make -s torture
stage e2e make -s e2e
finish 0
