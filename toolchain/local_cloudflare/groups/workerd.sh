#!/bin/sh
# Writes a PID file, then becomes workerd; exec keeps the process number and start time. The platform uses the file to
# kill a workerd that a crash left behind, so that two never run on the same folder.
if [ -r "/proc/$$/stat" ]; then
  read -r line <"/proc/$$/stat"
else
  line=$(ps -o lstart= -p $$)
fi
printf '%s\n%s\n' "$$" "$line" >"$WORKERD_PID_FILE"
if [ -n "$WORKERD_SETPRIV" ]; then
  exec "$WORKERD_SETPRIV" --pdeathsig KILL -- "$WORKERD_PATH" "$@"
fi
exec "$WORKERD_PATH" "$@"
