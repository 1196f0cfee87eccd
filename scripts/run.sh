#!/bin/bash
# run.sh - make run: install what is missing, build, and serve.
#
# Without keys in .env the app talks to the bundled simulator of LINE and
# Gemini, with settings and data made for the occasion; with keys to the real
# ones.  PORT (8080) is the web server, SIM_PORT (8081) the simulator, WORKERS
# (2) how many processes.  Ctrl-C ends all of it.  One at a time in a checkout.
set -eu
port=${PORT:-8080} sim_port=${SIM_PORT:-8081} workers=${WORKERS:-2}
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"

die()
{
	echo "make run: $*" >&2
	exit 1
}

number() # NAME VALUE MAX EXAMPLE
{
	if ! [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || [ "$2" -gt "$3" ]; then
		die "$1 must be a number from 1 to $3, not '$2':" \
			"make run $1=$4, for example"
	fi
}

port_free() # NAME PORT OTHER
{
	! (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null ||
		die "port $2 is taken; end what listens there, or choose" \
			"another: make run $1=$3"
}

number PORT "$port" 65535 8090
number SIM_PORT "$sim_port" 65535 8091
number WORKERS "$workers" 64 2
[ "$port" != "$sim_port" ] || die "PORT and SIM_PORT are both $port:" \
	'choose two, for example make run PORT=8090 SIM_PORT=8091'

# What of the three keys has a value in .env, and what has none.
given='' empty=''
for key in LINE_CHANNEL_SECRET LINE_CHANNEL_ACCESS_TOKEN GEMINI_API_KEY; do
	if grep -qsE "^[[:space:]]*${key}[[:space:]]*=[[:space:]]*[^[:space:]#]" .env
	then
		given+=" $key"
	else
		empty+=" $key"
	fi
done
[ -z "$given" ] || [ -z "$empty" ] || die ".env has no value for$empty;" \
	'fill it in, or empty all three to run with the simulator'

# --- where it runs ----------------------------------------------------------

run=$top/run as=() owners=(! -user "$(id -u)")
if [ "$(id -u)" = 0 ]; then
	as=(setpriv --reuid=www-data --regid=www-data --init-groups --)
	owners+=(! -user www-data)
	# A checkout below /root, say, is closed to the user who runs it all.
	"${as[@]}" test -x "$top" || run=/var/lib/mededbot-run
fi

# not_ours WHAT-IT-HOLDS FOLDER TEST...: nothing in FOLDER that find would find.
not_ours()
{
	local holds=$1 found
	shift
	[ -e "$1" ] || return 0
	found=$(find "$@" -print -quit 2>/dev/null) || true
	[ -z "$found" ] || die "$found belongs to $(stat -c %U "$found"):" \
		"rm -rf $1, as root or that user; it holds only $holds"
}

not_ours 'logs and simulated data' "$run" "${owners[@]}"
not_ours 'what make makes' build ! -writable
(umask 022 && mkdir -p "$run")

# Held by this process alone: children get 8>&-, since some may outlive it.
exec 8>>"$run/lock"
flock -n 8 || die "an earlier make run (pid $(cat "$run/lock")) still serves" \
	"from $run: end it with Ctrl-C, or kill $(cat "$run/lock")"
echo "$$" >"$run/lock"

# What a killed make run has left.
left=''
mapfile -t before < <(cat "$run/pids" "$run/server/server.pid" 2>/dev/null)
for pid in "${before[@]}"; do
	if grep -qaF "$run/" "/proc/$pid/cmdline" 2>/dev/null; then
		left+=" $pid"
	fi
done
[ -z "$left" ] || die "an earlier make run (pid$left) still serves there:" \
	"kill$left"

port_free PORT "$port" 8090
[ -n "$given" ] || port_free SIM_PORT "$sim_port" 8091
scripts/deps.sh run 8>&-
make -s -j"$(nproc)" 8>&-

umask 077
: >"$run/pids"

pids=()
# shellcheck disable=SC2317 # called at the end
stop()
{
	trap '' INT TERM HUP
	for pid in "${pids[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	wait
}
trap stop EXIT
trap 'exit 0' INT TERM HUP

# start NAME COMMAND...: in the background, until it says ready; $said is what
# it says then.
start()
{
	local out=$run/$1.out
	shift
	: >"$out"
	"$@" >"$out" 8>&- &
	pids=("$!" "${pids[@]}")
	echo "$!" >>"$run/pids"
	until said=$(grep '^ready' "$out"); do
		kill -0 "${pids[0]}" 2>/dev/null || return 1
		sleep 0.1
	done
}

# --- the simulator ----------------------------------------------------------

settings=$top/.env
if [ -z "$given" ]; then
	random()
	{
		od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
	}
	secret=$(random) token=$(random) gemini_key=$(random) admin=$(random)
	rm -rf "$run/simulated"
	(umask 022 && mkdir "$run/simulated")
	cp -r tests/simulator "$run/simulated/simulator"
	chmod -R a+rX "$run/simulated/simulator"
	settings=$run/simulated/.env
	cat >"$settings" <<-EOT
	# Made by make run for the simulator; gone with the next one.
	LINE_CHANNEL_SECRET=$secret
	LINE_CHANNEL_ACCESS_TOKEN=$token
	GEMINI_API_KEY=$gemini_key
	ADMIN_TOKEN=$admin
	LINE_API_BASE=http://127.0.0.1:$sim_port
	LINE_DATA_BASE=http://127.0.0.1:$sim_port
	GEMINI_BASE=http://127.0.0.1:$sim_port
	PUBLIC_BASE_URL=https://simulated.invalid
	EOT
	start simulator "${as[@]}" /usr/bin/python3 -B \
		"$run/simulated/simulator/simulator.py" --port "$sim_port" \
		--webhook "http://127.0.0.1:$port/webhook" \
		--debug-url "http://127.0.0.1:$port/debug/sessions" \
		--channel-secret "$secret" --access-token "$token" \
		--gemini-key "$gemini_key" --admin-token "$admin" ||
		die 'the simulator did not start'
	page=${said#ready }
fi

# --- the web server ---------------------------------------------------------

start server scripts/serve.sh --server lighttpd --port "$port" --config "$settings" \
	--workers "$workers" --run-dir "$run/server" ||
	die 'the web server did not start'

if [ -z "$given" ]; then
	cat <<-EOT

	MedEdBot runs, with a simulated LINE and Gemini (there are no keys in .env).

	    open this page and chat:  $page
	    stop:                     Ctrl-C
	    logs:                     $run/server

	For the real LINE: cp .env.example .env && chmod 600 .env, fill in the
	three keys, make run.
	EOT
else
	cat <<-EOT

	MedEdBot runs and serves the real LINE.

	    listens on:  http://127.0.0.1:$port
	    stop:        Ctrl-C
	    logs:        $run/server

	LINE calls only https with a valid certificate: let your https server or
	tunnel pass on to the address above, and enter https://YOUR-HOST/webhook
	as the Webhook URL in the LINE Developers console.
	EOT
fi

wait -n "${pids[@]}" || true
die "something ended by itself, see above and $run/server"
