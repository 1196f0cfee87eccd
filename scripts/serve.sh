#!/bin/bash
# serve.sh - MedEdBot behind a real web server, in the foreground.
#
# It makes the server's configuration from lighttpd.conf or apache.conf, starts
# what that server needs, prints "ready" when the app answers through it, and
# stays.  TERM or INT stops all that it started; USR1 is the server's graceful
# restart.  When the server dies by itself, so does this, with exit 1 and the
# end of the error log.
#
# Started as root it runs nothing as root but --check: it hands the run folder, the data
# and the key to another user, and gives that user a copy of the settings.
set -eu
umask 077
PATH=$PATH:/usr/sbin:/sbin

usage()
{
	cat <<-EOT
	usage: serve.sh --server lighttpd|fcgid|proxy --port N --config FILE
	                --workers N --run-dir DIR
	                [--user NAME] [--bin FILE] [--address ADDRESS]
	                [--tls-cert FILE --tls-key FILE]

	  --server    lighttpd, Apache with mod_fcgid, or Apache with
	              mod_proxy_fcgi, spawn-fcgi and multiwatch
	  --port      where it listens
	  --config    the settings (.env)
	  --workers   how many processes of the app
	  --run-dir   folder for sockets, logs and pids; made if missing
	  --user      who runs it all when started as root (www-data)
	  --bin       the app (build/mededbot.fcgi)
	  --address   where it listens (127.0.0.1)
	  --tls-cert  certificate chain, and --tls-key its key: serve https

	In DIR: server.pid is the web server, manager.pid what keeps the workers
	(proxy only), error.log, access.log, app.log. Signals: TERM and INT stop,
	USR1 restarts the web server gracefully.
	EOT
}

die()
{
	echo "serve.sh: $*" >&2
	exit 1
}

# --- what is wanted ---------------------------------------------------------

top=$(cd "$(dirname "$0")/.." && pwd)
bin=$top/build/mededbot.fcgi
if [ ! -f "$top/lighttpd.conf" ]; then # installed: PREFIX/share/mededbot
	top=$(dirname "$(realpath "$0")")
	bin=$(realpath -m "$top/../../bin/mededbot.fcgi")
fi
server='' port='' config='' workers='' run='' user='' cert='' cert_key=''
address=127.0.0.1
while [ $# -gt 0 ]; do
	case $1 in
	--help | -h) usage; exit 0 ;;
	--server | --port | --config | --workers | --run-dir | --user | --bin | \
	--address | --tls-cert | --tls-key)
		[ $# -ge 2 ] || die "$1 wants a value"
		;;
	*) usage >&2; exit 2 ;;
	esac
	case $1 in
	--server) server=$2 ;;
	--port) port=$2 ;;
	--config) config=$2 ;;
	--workers) workers=$2 ;;
	--run-dir) run=$2 ;;
	--user) user=$2 ;;
	--bin) bin=$2 ;;
	--address) address=$2 ;;
	--tls-cert) cert=$2 ;;
	--tls-key) cert_key=$2 ;;
	esac
	shift 2
done

number() # NAME VALUE MIN MAX
{
	if ! [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || [ "$2" -lt "$3" ] ||
		[ "$2" -gt "$4" ]; then
		die "$1 must be a number from $3 to $4, not '$2'"
	fi
}

case $server in
lighttpd) needs=(lighttpd) ;;
fcgid) needs=(apache2) ;;
proxy) needs=(apache2 spawn-fcgi multiwatch) ;;
*) usage >&2; exit 2 ;;
esac
number --port "$port" 1 65535
number --workers "$workers" 1 64
lowest=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null ||
	echo 1024)
[ "$port" -ge "$lowest" ] || die "port $port needs root, and no server is" \
	"run as root here: choose one from $lowest on"
if [ -z "$config" ] || [ -z "$run" ]; then
	usage >&2
	exit 2
fi
[ -r "$config" ] || die "cannot read the settings $config"
[ -x "$bin" ] || die "no program $bin (make builds it)"
[ -n "$cert" ] && [ -z "$cert_key" ] && die '--tls-cert wants --tls-key'
for tool in "${needs[@]}" python3; do
	command -v "$tool" >/dev/null || die "$tool is missing: scripts/deps.sh" \
		"$([ "$server" = lighttpd ] && echo run || echo check) installs it"
done

config=$(realpath "$config")
run=$(realpath -m "$run")
[[ $(stat -c %a "$config") = ?00 ]] ||
	die "others can read the secrets in $config: chmod 600 $config"
bin=$(realpath "$bin")
# Here a complaint names the file that was given, and not our copy of it.
env -i "$bin" --config "$config" --check >/dev/null || exit 1
cert=${cert:+$(realpath "$cert")}
cert_key=${cert_key:+$(realpath "$cert_key")}
case $config$run$bin$cert$cert_key in
*[[:space:]\"]*) die 'a path with a blank or a quote cannot be served' ;;
esac
[ ${#run} -le 80 ] || die "the path of the run folder is too long: its" \
	'sockets would exceed 107 bytes'

# --- who runs it ------------------------------------------------------------

as=()
if [ "$(id -u)" = 0 ]; then
	user=${user:-www-data}
	id -u "$user" >/dev/null 2>&1 || die "no user $user"
	[ "$(id -u "$user")" != 0 ] || die 'not as root: choose another --user'
	as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups --)
elif [ -n "$user" ] && [ "$user" != "$(id -un)" ]; then
	die "only root can run it as $user"
fi

# own PATH: it is the user's.
own()
{
	[ -z "$user" ] || chown -h "$user:" "$@"
}

# make_own FOLDER: private, and the user's; its parents are for all to enter.
make_own()
{
	(umask 022 && mkdir -p "$1")
	own "$1"
	chmod 700 "$1"
}

# holds_only FOLDER PATTERN...: has the folder no entries but these?
holds_only()
{
	local folder=$1 entry name
	shift
	while read -r entry; do
		for name; do
			# shellcheck disable=SC2053
			[[ $entry = $name ]] && continue 2
		done
		return 1
	done < <(ls -A "$folder")
}

# hand_over FOLDER PATTERN...: it is the user's from now on, with what is in it.
# A folder that holds anything else is none of ours, and left alone.
hand_over()
{
	local folder=$1
	if [ ! -d "$folder" ]; then
		make_own "$folder"
	elif [ -n "$user" ] && [ "$(stat -c %U "$folder")" != "$user" ]; then
		holds_only "$@" || die "$folder is not $user's and holds other" \
			"things: give $user a folder of its own, or chown it"
		chown -hR "$user:" "$folder"
	fi
	"${as[@]}" test -x "$folder" ||
		die "${user:-you} cannot enter $folder"
}

make_own "$run"

# One of us per run folder.  What we start gets 9>&-: it may outlive us.
still_serves()
{
	local pid pids='' before
	mapfile -t before < <(cat "$run"/{server,manager}.pid 2>/dev/null)
	for pid in "${before[@]}"; do
		if grep -qaF -e "$run/" -e "$bin" "/proc/$pid/cmdline" 2>/dev/null
		then
			pids+=" $pid"
		fi
	done
	[ -z "$pids" ] || die "an earlier one (pid$pids) still serves from" \
		"$run: kill$pids"
}

exec 9<"$run"
flock -n 9 || { still_serves; die "another one starts or stops in $run" \
	'just now: wait for it, or choose another --run-dir'; }
still_serves
"${as[@]}" test -x "$run" || die "$user cannot reach $run:" \
	'choose a --run-dir whose parent folders everybody may enter'
if ! "${as[@]}" test -r "$bin" -a -x "$bin"; then
	make_own "$run/bin"
	install -m 755 "$bin" "$run/bin/"
	bin=$run/bin/${bin##*/}
fi
for file in "$cert" "$cert_key"; do
	[ -z "$file" ] || "${as[@]}" test -r "$file" ||
		die "${user:-you} cannot read $file"
done

# --- settings and what they name --------------------------------------------

# path_setting KEY DEFAULT: the path that the settings file gives, absolute (a
# relative one is relative to that file), by the rules of envfile.h.
path_setting()
{
	local value
	value=$(sed -nE "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//
		t value
		d
		:value
		s/^\"([^\"]*)\".*/\1/
		t print
		s/^'([^']*)'.*/\1/
		t print
		s/[[:space:]]+#.*//
		s/[[:space:]]+\$//
		:print
		p" "$config")
	value=${value:-$2}
	case $value in
	'' | /*) echo "$value" ;;
	*) realpath -m "$(dirname "$config")/$value" ;;
	esac
}

declare -A paths
paths[DATA_DIR]=$(path_setting DATA_DIR ./var/data)
paths[KEY_FILE]=$(path_setting KEY_FILE ./var/key)
paths[AUDIO_DIR]=$(path_setting AUDIO_DIR ./var/audio)
paths[CA_FILE]=$(path_setting CA_FILE '')
paths[LOG_FILE]=$(path_setting LOG_FILE '')
data=${paths[DATA_DIR]} key=${paths[KEY_FILE]} audio=${paths[AUDIO_DIR]}
log=${paths[LOG_FILE]}

hand_over "$(dirname "$key")" "${key##*/}" "${data##*/}" "${audio##*/}" \
	"${log##*/}" "${run##*/}"
if [ -f "$data/data.mdb" ]; then
	hand_over "$data" '*'
else
	hand_over "$data"
fi
hand_over "$audio" '*.mp3' '.*.tmp'
[ ! -f "$key" ] || own "$key"
[ -z "$log" ] || { touch "$log" && own "$log"; }

# Line by line, so that a complaint about line 7 means line 7 of the original.
# The copy stands elsewhere, so its paths become absolute; three of them have
# defaults and are written in any case.
copy_settings()
{
	local line name seen=' '
	while IFS= read -r line || [ -n "$line" ]; do
		name=${line%%=*}
		name=${name//[[:space:]]/}
		if [[ $line = *=* && $name =~ ^[A-Z_]+$ && -n ${paths[$name]-} ]]
		then
			line="$name=${paths[$name]}"
			seen+="$name "
		fi
		printf '%s\n' "$line"
	done <"$config"
	for name in DATA_DIR KEY_FILE AUDIO_DIR; do
		[[ $seen = *" $name "* ]] || echo "$name=${paths[$name]}"
	done
}

if [ -n "$user" ]; then
	rm -f "$run/settings.env"
	copy_settings >"$run/settings.env"
	own "$run/settings.env"
	config=$run/settings.env
fi

# --- the server's configuration ---------------------------------------------

# render FILE BLOCK TEXT: FILE from stdin to stdout, with other lines between
# "# --- BLOCK: begin ---" and "# --- BLOCK: end ---".
render()
{
	TEXT=$2 awk -v block="$1" '
	$0 == "# --- " block ": begin ---" { print; print ENVIRON["TEXT"]; skip = 1 }
	$0 == "# --- " block ": end ---" { skip = 0 }
	!skip { print }'
}

lighttpd_conf()
{
	local yours list='' tls='' i
	yours="var.app      = \"$bin\"
var.settings = \"$config\"
var.home     = \"$run\"
var.audio    = \"$audio\"
var.address  = \"$address\"
var.port     = $port"
	for ((i = 0; i < workers; i++)); do
		list+="	\"$i\" => var.worker + ( \"socket\" => var.home + \"/worker-$i.sock\" ),
"
	done
	[ -z "$cert" ] || tls="server.modules += ( \"mod_openssl\" )
ssl.engine  = \"enable\"
ssl.pemfile = \"$cert\"
ssl.privkey = \"$cert_key\"
ssl.openssl.ssl-conf-cmd = ( \"MinProtocol\" => \"TLSv1.2\" )"
	render yours "$yours" <"$top/lighttpd.conf" |
		render workers "var.workers = (
$list)" | render tls "$tls"
}

apache_conf()
{
	render yours "Define MEDEDBOT_ALONE
Define MEDEDBOT_${server^^}
Define MEDEDBOT_APP      $bin
Define MEDEDBOT_SETTINGS $config
Define MEDEDBOT_WORKERS  $workers
Define MEDEDBOT_SOCKET   $run/workers.sock
Define MEDEDBOT_HOME     $run
Define MEDEDBOT_AUDIO    $audio
Define MEDEDBOT_ADDRESS  $address
Define MEDEDBOT_PORT     $port
${cert:+Define MEDEDBOT_CERT     $cert
Define MEDEDBOT_CERT_KEY $cert_key}" <"$top/apache.conf"
}

# --- running ----------------------------------------------------------------

# start COMMAND...: as the user, in a session of its own (by which its children
# are found again), with an environment that has nothing of ours in it.
start()
{
	(
		cd /
		exec setsid "${as[@]}" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			HOME="$run" "$@" </dev/null >>"$run/app.log" 2>&1 9>&-
	) &
}

# Pids in the session of $1 that still run (a zombie does not).
session()
{
	local file stat state sid
	for file in /proc/[0-9]*/stat; do
		{ read -r stat <"$file"; } 2>/dev/null || continue
		read -r state _ _ sid _ <<<"${stat##*) }"
		[ "$sid" != "$1" ] || [ "$state" = Z ] || echo "${stat%% *}"
	done
}

# stop PID: TERM, and wait until all of its session has gone.  mod_fcgid needs
# up to 9 s to kill a worker that does not end.  If PID itself is dead already,
# nobody has told its children.
stop()
{
	local left i limit_s=12
	if ! kill -TERM "$1" 2>/dev/null; then
		limit_s=2
		mapfile -t left < <(session "$1")
		kill -TERM "${left[@]}" 2>/dev/null || true
	fi
	for ((i = 0; i < limit_s * 10; i++)); do
		mapfile -t left < <(session "$1")
		[ "${#left[@]}" -gt 0 ] || return 0
		sleep 0.1
	done
	echo "serve.sh: killed what did not stop in $limit_s s: ${left[*]}" >&2
	kill -KILL "${left[@]}" 2>/dev/null || true
}

# The last started first: the poll, the web server, what keeps the workers.
# jobs knows them from the instant of their fork on, but forgets who ended and
# may have left workers.
stop_all()
{
	local pids i
	trap '' TERM INT USR1
	# shellcheck disable=SC2206,SC2207
	pids=($manager_pid $server_pid $(jobs -p))
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		stop "${pids[i]}"
	done
	rm -f "$run/server.pid" "$run/manager.pid"
}

# The end of what was logged since this start.
died()
{
	local file
	for file in "${logs[@]}"; do
		tail -c "+$((log_sizes[$file] + 1))" "$file" | tail -n 20 |
			sed "s|^|${file##*/}: |" >&2
	done
	die "$@"
}

# Asks for /readyz until it is answered with 200 (exit 0), or 30 s are over.
poll_ready()
{
	exec python3 - "$address" "$port" "${cert:+tls}" <<-'EOT'
	import http.client, ssl, sys, time
	host, port, tls = sys.argv[1], int(sys.argv[2]), sys.argv[3]
	if host == "0.0.0.0":
	    host = "127.0.0.1"
	end = time.monotonic() + 30
	while time.monotonic() < end:
	    try:
	        if tls:
	            web = http.client.HTTPSConnection(host, port, timeout=5,
	                context=ssl._create_unverified_context())
	        else:
	            web = http.client.HTTPConnection(host, port, timeout=5)
	        web.request("GET", "/readyz")
	        if web.getresponse().status == 200:
	            sys.exit(0)
	    except (OSError, http.client.HTTPException):
	        pass
	    time.sleep(0.05)
	sys.exit(1)
	EOT
}

if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
	die "port $port is taken: end what listens there, or choose another"
fi

rm -f "$run"/*.pid "$run"/*.sock*
touch "$run/error.log" "$run/app.log"
own "$run/error.log" "$run/app.log"
logs=("$run/error.log" "$run/app.log" ${log:+"$log"})
declare -A log_sizes
for file in "${logs[@]}"; do
	log_sizes[$file]=$(stat -c %s "$file")
done

server_pid='' manager_pid=''
trap stop_all EXIT
trap 'exit 0' TERM INT
trap '[ -z "$server_pid" ] || kill -USR1 "$server_pid"' USR1

if [ "$server" = lighttpd ]; then
	lighttpd_conf >"$run/lighttpd.conf"
	own "$run/lighttpd.conf"
	start lighttpd -D -f "$run/lighttpd.conf"
else
	apache_conf >"$run/apache.conf"
	own "$run/apache.conf"
	if [ "$server" = proxy ]; then
		start spawn-fcgi -n -b 1024 -s "$run/workers.sock" -M 0600 -- \
			"$(command -v multiwatch)" -f "$workers" -- \
			"$bin" --config "$config"
		manager_pid=$!
		echo "$manager_pid" >"$run/manager.pid"
	else
		make_own "$run/fcgid"
	fi
	start apache2 -DFOREGROUND -f "$run/apache.conf"
fi
server_pid=$!
echo "$server_pid" >"$run/server.pid"

poll_ready 9>&- &
poll_pid=$!

# wait returns when one of them ends, and early after a signal.
while :; do
	rc=0
	wait -n -p ended || rc=$?
	case ${ended-} in # unset after a signal
	'') ;;
	"$poll_pid")
		[ "$rc" = 0 ] || died 'the app did not get ready in 30 s'
		echo ready
		;;
	"$manager_pid") died 'multiwatch ended: the workers do not stay up' ;;
	*) died "$server ended by itself (exit $rc)" ;;
	esac
done
