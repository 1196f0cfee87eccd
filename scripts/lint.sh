#!/bin/bash
# lint.sh - what can be told without running anything.
#
#   lint.sh         clang-format, 80 columns, clang-tidy, cppcheck, shell, Python
#   lint.sh --man   the man pages
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# what COMMAND...: says what failed, and goes on to the next.
what()
{
	local name=$1
	shift
	"$@" || { echo "lint.sh: $name: see above" >&2; bad=1; }
}

# A tool that is missing is missed aloud; deps.sh check brings them all.
have()
{
	command -v "$1" >/dev/null && return
	echo "lint.sh: SKIPPED, there is no $1" >&2
	return 1
}

# shellcheck disable=SC2317 # called through what
columns() # FILE...
{
	local file
	! for file; do
		expand "$file" | LC_ALL=C.UTF-8 grep -nE '^.{81}' |
			sed "s|^|$file:|"
	done | grep .
}

# shellcheck disable=SC2317
tidy() # FILE...
{
	# shellcheck disable=SC2016
	printf '%s\0' "$@" | xargs -0 -P2 -n3 sh -c '
		flags=$1 log=$(mktemp); shift
		clang-tidy --quiet "$@" -- $flags >"$log" 2>&1; rc=$?
		grep -vE "^([0-9]+ warnings? (generated|treated)|Suppressed|Use -)" "$log"
		rm -f "$log"; exit $rc' sh "$(make -s print-CPPFLAGS print-WARN)"
}

if [ "${1-}" = --man ]; then
	have man || exit 0
	for page in man/*.[1-9]; do
		said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l \
			"$page" 2>&1 >/dev/null) || bad=1
		[ -z "$said" ] || { echo "$page: $said"; bad=1; }
	done
	exit $bad
fi

mapfile -t sources < <(find fcgi-app store tests -name '*.c' | LC_ALL=C sort)
mapfile -t headers < <(find fcgi-app store tests -name '*.h' | LC_ALL=C sort)
mapfile -t shells < <(find scripts .ci tests -name '*.sh' -o -path '.ci/*')

have clang-format && what clang-format \
	clang-format --dry-run -Werror "${sources[@]}" "${headers[@]}"
what columns columns "${sources[@]}" "${headers[@]}"
# What is suppressed misreads this code: unnamed parameters in headers, a result
# that is set only together with STORE_OK, and designated initializers.
have cppcheck && what cppcheck cppcheck -q -j2 --std=c11 --language=c \
	--enable=warning,performance,portability --inline-suppr \
	--suppress=funcArgOrderDifferent --suppress=uninitStructMember \
	--suppress=unknownEvaluationOrder --error-exitcode=1 -D_GNU_SOURCE -I. -Ifcgi-app fcgi-app store tests
have clang-tidy && what clang-tidy tidy "${sources[@]}"
for file in "${shells[@]}"; do
	what "$file" bash -n "$file"
done
have shellcheck && what shellcheck shellcheck "${shells[@]}"
PYTHONPYCACHEPREFIX=build/pycache what python \
	/usr/bin/python3 -m compileall -q tests scripts
exit $bad
