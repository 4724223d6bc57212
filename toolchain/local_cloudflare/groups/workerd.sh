#!/bin/sh
# Becomes workerd, after a note of its process: the platform ends what a kill left by it, and never starts a second
# workerd on the same folder. The process number and its start time stay the same through exec.
if [ -r "/proc/$$/stat" ]; then
  read -r line <"/proc/$$/stat"
else
  line=$(ps -o lstart= -p $$)
fi
printf '%s\n%s\n' "$$" "$line" >"$WORKERD_NOTE"
if [ -n "$WORKERD_SETPRIV" ]; then
  exec "$WORKERD_SETPRIV" --pdeathsig KILL -- "$WORKERD_PATH" "$@"
fi
exec "$WORKERD_PATH" "$@"
