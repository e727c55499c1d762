// Start scripts of the systems without systemd: SysV init, OpenRC and FreeBSD's rc.d. gw is started
// as root, opens its ports, and becomes its user.
import { dirname } from "node:path";
import { quoted, type Site, UNWANTED_VARIABLES } from "./site.ts";

/** Longer than gw gives to messages on their way in. */
const STOP_SECONDS = 45;
const START_SECONDS = 60;

/** Assignments that all scripts begin with. */
function settings({ binary, config, user, pidFile, logFile, dataDir }: Site): string {
  return `gw=${quoted(binary)}
config=${quoted(config)}
user=${quoted(user)}
data=${quoted(dataDir)}
pidfile=${quoted(pidFile)}
log=${quoted(logFile)}`;
}

// The folders are made anew: those for process numbers are gone after a restart of the host.
function folders({ pidFile, logFile }: Site): string {
  return `    install -d -o root -m 0755 ${quoted(dirname(logFile))}
    install -d -o "$user" -m 0755 ${quoted(dirname(pidFile))}
    unset ${UNWANTED_VARIABLES.join(" ")}
    umask 077
    cd /`;
}

/** The verbs of the old control script, each with the command that does it now. */
const VERBS: Readonly<Record<string, string>> = {
  stats: "stats",
  "recv-off": "pause receive",
  "recv-on": "resume receive",
  "avir-off": "pause scan",
  "avir-on": "resume scan",
  "send-off": "pause send",
  "send-on": "resume send",
};

const verbLines = () =>
  Object.entries(VERBS)
    .map(([verb, command]) => `    ${verb}) "$gw" ${command} --config "$config" ;;`)
    .join("\n");

/** Text of `/etc/init.d/gw` for SysV init. */
export function sysvScript(site: Site): string {
  return `#!/bin/sh
### BEGIN INIT INFO
# Provides:          gw
# Required-Start:    $local_fs $network $remote_fs
# Required-Stop:     $local_fs $network $remote_fs
# Should-Start:      $named $syslog $time
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: gw, SMTP anti-virus gateway
### END INIT INFO

PATH=/sbin:/usr/sbin:/bin:/usr/bin
${settings(site)}
[ -r /etc/default/gw ] && . /etc/default/gw
[ -x "$gw" ] || { echo "gw: $gw is not there" >&2; exit 5; }

# The process number if gw runs. After a crash the file may name another program.
running() {
    pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$pid" ] && alive
}

# A process that nobody has waited for yet, as in containers without init, has no words any more.
alive() {
    kill -0 "$pid" 2>/dev/null || return 1
    [ ! -r "/proc/$pid/cmdline" ] || tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -q ' serve '
}

start() {
    if running; then echo "gw runs already, as process $pid"; return 0; fi
    rm -f "$pidfile"
    "$gw" config check "$config" || return 6
${folders(site)}
    detach=$(command -v setsid)
    $detach "$gw" serve --config "$config" --user "$user" --pid-file "$pidfile" \\
        </dev/null >>"$log" 2>&1 &
    child=$!
    left=${START_SECONDS}
    while [ $left -gt 0 ]; do
        if running; then echo "gw takes mail, as process $pid"; return 0; fi
        if ! kill -0 "$child" 2>/dev/null; then
            echo "gw did not start:" >&2
            tail -n 3 "$log" >&2
            return 1
        fi
        sleep 1
        left=$((left - 1))
    done
    echo "gw does not take mail after ${START_SECONDS} seconds; see $log" >&2
    return 1
}

stop() {
    if ! running; then echo "gw does not run"; rm -f "$pidfile"; return 0; fi
    kill -TERM "$pid"
    left=${STOP_SECONDS}
    while [ $left -gt 0 ]; do
        alive || { echo "gw has stopped"; return 0; }
        sleep 1
        left=$((left - 1))
    done
    echo "gw did not stop in ${STOP_SECONDS} seconds, and is ended; accepted mail is on disk" >&2
    kill -KILL "$pid"
    rm -f "$pidfile"
}

status() {
    if running; then "$gw" status --config "$config"; return 0; fi
    echo "gw does not run"
    [ ! -e "$pidfile" ] || return 1
    return 3
}

case "$1" in
    start) start ;;
    stop) stop ;;
    restart) "$gw" config check "$config" && stop && start ;;
    try-restart|condrestart) ! running || { stop && start; } ;;
    reload|force-reload) "$gw" reload --config "$config" ;;
    status) status ;;
    drain) "$gw" drain --wait --timeout 10m --config "$config" ;;
${verbLines()}
    *)
        echo "usage: $0 start|stop|restart|try-restart|reload|force-reload|status|drain" >&2
        echo "       $0 ${Object.keys(VERBS).join("|")}" >&2
        exit 2
        ;;
esac
`;
}

/** Text of `/etc/init.d/gw` for OpenRC. */
export function openrcScript(site: Site): string {
  return `#!/sbin/openrc-run

name="gw"
description="SMTP anti-virus gateway"
${settings(site)}

command="$gw"
command_args="serve --config '$config' --user '$user'"
command_background=true
output_log="$log"
error_log="$log"
retry="TERM/${STOP_SECONDS}/KILL/5"
required_files="$config"
extra_commands="checkconfig"
extra_started_commands="reload stats drain"
description_checkconfig="Find every mistake in the configuration"
description_reload="Take a changed configuration and changed signatures"
description_stats="Print the counters since the start"
description_drain="Take no new mail and send what waits"

depend() {
    need localmount net
    use dns logger ntp-client
}

checkconfig() {
    "$gw" config check "$config"
}

start_pre() {
    checkconfig || return 1
${folders(site)}
}

reload() {
    ebegin "Reloading gw"
    "$gw" reload --config "$config"
    eend $?
}

stats() {
    "$gw" stats --config "$config"
}

drain() {
    "$gw" drain --wait --timeout 10m --config "$config"
}
`;
}

/** Text of `/usr/local/etc/rc.d/gw` for FreeBSD. */
export function rcdScript(site: Site): string {
  return `#!/bin/sh

# PROVIDE: gw
# REQUIRE: LOGIN NETWORKING FILESYSTEMS
# BEFORE: mail
# KEYWORD: shutdown
#
# gw_enable="YES" in rc.conf starts gw with the system: sysrc gw_enable=YES

. /etc/rc.subr

name="gw"
desc="SMTP anti-virus gateway"
rcvar="gw_enable"

load_rc_config $name
: \${gw_enable:="NO"}
${settings(site)}
: \${gw_config:="$config"}
: \${gw_runas:="$user"}

procname="$gw"
command="/usr/sbin/daemon"
command_args="-f -o '$log' '$gw' serve --config '$gw_config' --user '$gw_runas' --pid-file '$pidfile'"
required_files="$gw_config"
start_precmd="gw_prepare"
reload_cmd="gw_ask reload"
status_cmd="gw_status"
stats_cmd="gw_ask stats"
drain_cmd="gw_ask drain --wait --timeout 10m"
recv_off_cmd="gw_ask pause receive"
recv_on_cmd="gw_ask resume receive"
extra_commands="reload stats drain recv_off recv_on"

gw_prepare() {
    "$gw" config check "$gw_config" || return 1
    user="$gw_runas"
${folders(site)}
}

gw_ask() {
    "$gw" "$@" --config "$gw_config"
}

gw_status() {
    rc_pid=$(check_pidfile "$pidfile" "$procname")
    if [ -z "$rc_pid" ]; then
        echo "\${name} is not running."
        return 1
    fi
    gw_ask status
}

run_rc_command "$1"
`;
}
