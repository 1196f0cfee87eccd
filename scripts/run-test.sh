#!/bin/bash
# run-test.sh - run one test program, say in one line how it went.
#
#   run-test.sh [--sanitized] PROGRAM [WRAPPER...]    a cmocka program
#   run-test.sh --fuzz SECONDS PROGRAM                a libFuzzer program
#
# Its output is in PROGRAM.log, and shown when it failed.  Sanitizers of
# clang 14 cannot place their shadow memory under a kernel that scatters
# addresses widely, so they run without address randomization.
set -u

sanitized=no fuzz=0
case ${1-} in
--sanitized) sanitized=yes; shift ;;
--fuzz) sanitized=yes fuzz=$2; shift 2 ;;
esac
program=$1
shift
wrapper=("$@")
name=${program##*/}
log=$program.log

if [ "$sanitized" = yes ]; then
	export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
	export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
	setarch -R true 2>/dev/null && wrapper=(setarch -R "${wrapper[@]}")
fi

arguments=()
if [ "$fuzz" -gt 0 ]; then
	found=${program%/*}/found-$name/ # what it found stays in build/
	mkdir -p "$found" "$program.corpus"
	arguments=(-max_total_time="$fuzz" -max_len=65536 -rss_limit_mb=1024
		-timeout=10 -print_final_stats=1 -artifact_prefix="$found"
		"$program.corpus")
	seeds=tests/fuzz/corpus/$name
	[ -d "$seeds" ] && arguments+=("$seeds")
fi

start=$(date +%s%N)
"${wrapper[@]}" "$program" "${arguments[@]}" >"$log" 2>&1
rc=$?
took=$((($(date +%s%N) - start) / 1000000)) # ms

if [ $rc -ne 0 ]; then
	cat "$log"
	echo "$name: FAILED (exit $rc), output in $log"
	exit 1
fi
if [ "$fuzz" -gt 0 ]; then
	did="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
else
	did="$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" |
		awk '{ n += $1 } END { print n + 0 }') passed"
fi
printf '%s: %s, %d.%03d s\n' "$name" "$did" $((took / 1000)) $((took % 1000))
