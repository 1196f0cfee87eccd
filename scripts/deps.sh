#!/bin/bash
# deps.sh - install the Debian packages that are missing, and nothing else.
#
#   deps.sh build   what make needs
#   deps.sh run     and what make run needs
#   deps.sh check   and what make check needs
#
# Silent and quick when all are there.  It installs as root or through sudo;
# without either it prints what to type, and exits 1.  On a system without dpkg
# it only says what is wanted.
#
# libutf8proc has Unicode's tables: words that users type are compared without
# regard to width, case and accents' spelling.
#
# Debian starts a server as soon as it is installed.  These servers are for us
# to start, so policy-rc.d forbids it meanwhile, and those that are new are not
# started at the next boot either.
set -eu

build='gcc libc6-dev make libcurl4-openssl-dev libfcgi-dev libjansson-dev
	liblmdb-dev libmp3lame-dev libssl-dev libutf8proc-dev libyajl-dev
	python3'
run="$build ca-certificates lighttpd"
check="$run apache2 chromium clang clang-format clang-tidy cppcheck ffmpeg
	libapache2-mod-fcgid libc6-dbg libclang-rt-dev libcmocka-dev
	libfaketime libnghttp2-dev lighttpd-mod-openssl man-db multiwatch
	openssl procps python3-pytest shellcheck spawn-fcgi strace valgrind
	xfsprogs"
servers='lighttpd apache2'

case ${1-} in
build) wanted=$build ;;
run) wanted=$run ;;
check) wanted=$check ;;
--help | -h) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) echo 'usage: deps.sh build|run|check' >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
	# shellcheck disable=SC2086
	echo "deps.sh: no dpkg here; wanted are, by Debian's names:" $wanted >&2
	exit 0
fi

# The packages among the arguments that are not installed.
missing()
{
	local package
	for package; do
		# "not-installed" is what one says that others recommend.
		case $(dpkg-query -W -f='${db:Status-Status}' "$package" \
			2>/dev/null) in
		installed) ;;
		*) echo "$package" ;;
		esac
	done
}

# One question about all of them is quicker than one each.
# shellcheck disable=SC2086
if dpkg-query -W -f='${db:Status-Status}\n' $wanted 2>/dev/null |
	awk '$0 != "installed" { bad = 1 } END { exit bad || !NR }' &&
	dpkg-query -W $wanted >/dev/null 2>&1; then
	exit 0
fi

# shellcheck disable=SC2086
mapfile -t packages < <(missing $wanted)
[ "${#packages[@]}" -gt 0 ] || exit 0
echo "deps.sh: missing: ${packages[*]}" >&2

if [ "$(id -u)" != 0 ]; then
	self=$(realpath "$0")
	# Ask for a password only where somebody can type it.
	if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }
	then
		exec sudo -- "$self" "$1"
	fi
	echo "deps.sh: type as root: $self $1" >&2
	echo "deps.sh: or: apt-get install --no-install-recommends ${packages[*]}" >&2
	exit 1
fi

# --- as root ----------------------------------------------------------------

policy=/usr/sbin/policy-rc.d
mark='# from deps.sh of MedEdBot, only while it installs'
exec 9>/run/mededbot-deps.lock
flock 9 # two at once: the second finds all done
# shellcheck disable=SC2086
mapfile -t packages < <(missing $wanted)
[ "${#packages[@]}" -gt 0 ] || exit 0

restore()
{
	rm -f "$policy.new"
	if grep -qsxF "$mark" "$policy"; then
		rm -f "$policy"
	fi
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
restore # one that a killed run has left
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy.new"
	chmod 755 "$policy.new"
	mv "$policy.new" "$policy"
elif [[ " ${packages[*]} " =~ \ (lighttpd|apache2)\  ]]; then
	echo "deps.sh: there is a $policy already, which decides what starts" >&2
fi

# shellcheck disable=SC2086
new=$(missing $servers)
export DEBIAN_FRONTEND=noninteractive
apt-get -q update || echo 'deps.sh: using the package lists of before' >&2
apt-get -q -y install --no-install-recommends "${packages[@]}"

for server in $new; do
	if [ -d /run/systemd/system ] && [ -z "$(missing "$server")" ]; then
		systemctl --quiet disable "$server.service" || true
	fi
done
