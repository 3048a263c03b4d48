# Runs a redis-server for as long as its standard input is open: sh redis-guard.sh FOLDER redis-server ...
#
# The other end of that pipe is with whoever started this. When it is closed, be it on purpose or
# because that process was killed, Redis is killed and its folder removed. A shell does it, because
# only the parent of a process can be sure that the id is still its own.
folder=$1
shift
exec 3<&0
"$@" </dev/null 3<&- 2>&1 &
server=$!
{ read -r _ <&3; : >"$folder/over"; kill -9 "$server"; } >/dev/null 2>&1 &
guard=$!
wait "$server" 2>/dev/null
kill -9 "$guard" 2>/dev/null
[ ! -e "$folder/over" ] || rm -rf "$folder"
