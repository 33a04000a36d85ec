# Keeps a process for whoever holds the other end of the standard input, and ends it when that end is gone: also when its
# holder was killed. `bash -c … keeper FOLDER COMMAND…` obeys the orders that it reads, and answers each with one line. In the
# end it removes the folder, and the files that FOLDER/litter names.
folder=$1
shift
child=

# The child and all that it started are a process group of their own. Bash learns when it stops.
set -m

while read -r order; do
  case $order in
    start)
      "$@" </dev/null >>"$folder/server.log" 2>&1 &
      child=$!
      echo "$child"
      ;;
    is_alive) kill -0 "$child" && echo yes || echo no ;;
    kill)
      kill -s KILL -- "-$child"
      while kill -0 "$child"; do wait "$child"; done
      echo killed
      ;;
    pause)
      kill -s STOP -- "-$child"
      while [ -z "$(jobs -s)" ]; do sleep 0.01; done
      echo paused
      ;;
    resume)
      kill -s CONT -- "-$child"
      echo resumed
      ;;
  esac
done

if [ -n "$child" ]; then
  kill -s KILL -- "-$child"
  while kill -0 -- "-$child"; do wait "$child" || sleep 0.01; done
fi
if [ -e "$folder/litter" ]; then
  while read -r path; do rm -f "$path"; done <"$folder/litter"
fi
rm -rf "$folder"
