# A world in which a real systemd keeps units, a real systemd-logind sessions, and a real bus is between; nothing of it is seen
# outside. Runs in mount, process and cgroup namespaces of its own, as root. `$1` is a name for its cgroup. Says `ready`, and ends
# with its input.
set -eu

mount -t tmpfs tmpfs /run
# A service manager of a user needs a machine that was started by systemd, and a runtime folder.
mkdir -p /run/systemd/system /run/systemd/sessions /run/systemd/users /run/dbus /run/user/0 /run/home
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$1/inner"
echo $$ >"/sys/fs/cgroup/$1/inner/cgroup.procs"

bus=unix:path=/run/user/0/bus
export HOME=/run/home XDG_CONFIG_HOME=/run/home XDG_RUNTIME_DIR=/run/user/0
export DBUS_SYSTEM_BUS_ADDRESS=$bus DBUS_SESSION_BUS_ADDRESS=$bus
ln -s /run/user/0/bus /run/dbus/system_bus_socket
ln -s /run/user/0/systemd/private /run/systemd/private
mkdir /run/spare
mount -t tmpfs tmpfs /run/spare

units=/run/home/systemd/user
mkdir -p "$units"
unit() { cat >"$units/$1"; }
# The names that systemd waits for before it joins a bus.
unit dbus.socket <<'UNIT'
[Socket]
ListenStream=%t/bus
UNIT
unit dbus.service <<'UNIT'
[Service]
ExecStart=dbus-daemon --session --address=systemd: --nofork --nopidfile --nosyslog
UNIT
unit default.target <<'UNIT'
[Unit]
Wants=dbus.socket
UNIT
unit runs.service <<'UNIT'
[Service]
Type=simple
ExecStart=sleep infinity
TasksMax=42
UNIT
unit fails.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=false
UNIT
# Starts three times.
unit again.service <<'UNIT'
[Service]
Type=exec
ExecStart=sh -c 'echo >>/run/again; [ $(wc -l </run/again) -gt 2 ] && exec sleep infinity'
Restart=on-failure
RestartSec=10ms
UNIT
unit 'odd\x2dname:1@.service' <<'UNIT'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=true
UNIT
unit ticks.timer <<'UNIT'
[Timer]
OnActiveSec=0
AccuracySec=1us
UNIT
unit ticks.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=true
UNIT
# One client at a time.
unit listens.socket <<'UNIT'
[Socket]
ListenStream=/run/listens
Accept=yes
MaxConnections=1
UNIT
unit listens@.service <<'UNIT'
[Service]
ExecStart=sleep infinity
StandardInput=socket
UNIT

/usr/lib/systemd/systemd --user --log-target=console --log-level=warning >&2 &
wait_for() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "gave up waiting for: $*" >&2; exit 1; }
        sleep 0.1
    done
}
property() { [ "$(systemctl --user show --property "$2" --value "$1")" = "$3" ]; }

wait_for systemctl --user start dbus.service
wait_for busctl status org.freedesktop.systemd1
systemctl --user start runs.service 'odd\x2dname:1@a.b.service' ticks.timer listens.socket
systemctl --user start --no-block fails.service again.service
wait_for property again.service NRestarts 2
wait_for property ticks.service ActiveState inactive
wait_for property fails.service ActiveState failed
python3 -c "
import socket, time
for _ in range(2):
    kept = socket.socket(socket.AF_UNIX)
    kept.connect('/run/listens')
    globals()[f'kept_{_}'] = kept
print(flush=True)
time.sleep(1e6)" >/run/connected &
wait_for property listens.socket NRefused 1
wait_for property again.service SubState running

# Sessions are known to systemd-logind from files that an earlier one left.
session() {
    mkfifo "/run/systemd/sessions/$1.ref"
    # Whoever holds it open is the session.
    exec 9<>"/run/systemd/sessions/$1.ref"
    sleep infinity <&9 &
    {
        echo "UID=0
USER=root
ACTIVE=1
IS_DISPLAY=0
STATE=active
FIFO=/run/systemd/sessions/$1.ref
LEADER=$!
AUDIT=$1
REALTIME=1700000000000000
MONOTONIC=1000000"
        cat
    } >"/run/systemd/sessions/$1"
    exec 9>&-
}
printf 'NAME=root\nSTATE=active\nSTOPPING=no\nSESSIONS=1 2 3\n' >/run/systemd/users/0
session 1 <<'SESSION'
REMOTE=1
REMOTE_HOST=192.0.2.1
TYPE=tty
CLASS=user
SERVICE=sshd
SESSION
session 2 <<'SESSION'
REMOTE=1
REMOTE_HOST=192.0.2.2
TYPE=tty
CLASS=user
SERVICE=sshd
SESSION
session 3 <<'SESSION'
REMOTE=0
TYPE=wayland
CLASS=greeter
SESSION
SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=warning /usr/lib/systemd/systemd-logind >&2 &
wait_for busctl status org.freedesktop.login1

echo ready
exec cat >/dev/null
