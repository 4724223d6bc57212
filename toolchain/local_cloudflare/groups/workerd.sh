#!/bin/sh
# Writes a PID file, then becomes workerd; exec keeps the process id and start time. The platform uses the file to
# kill a workerd that a crash left behind, so that two never run on the same folder.
#
# Miniflare can let workerd listen only on a TCP port, which every program and website on this machine can reach. The
# Unix socket is for the platform's router alone.
if [ -r "/proc/$$/stat" ]; then
  read -r line <"/proc/$$/stat"
else
  line=$(ps -o lstart= -p $$)
fi
printf '%s\n%s\n' "$$" "$line" >"$WORKERD_PID_FILE"
rm -f "$WORKERD_SOCKET"
for argument in "$@"; do
  case $argument in
    --socket-addr=entry=*) argument="--socket-addr=entry=unix:$WORKERD_SOCKET" ;;
  esac
  shift
  set -- "$@" "$argument"
done
if [ -n "$WORKERD_SETPRIV" ]; then
  exec "$WORKERD_SETPRIV" --pdeathsig KILL -- "$WORKERD_PATH" "$@"
fi
exec "$WORKERD_PATH" "$@"
