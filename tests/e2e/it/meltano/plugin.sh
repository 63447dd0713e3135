#!/bin/sh
# A tap, a mapper or a target, by the name that it is called by. It notes what it is handed, and does what is usual.
case ${0##*/} in
target*) side=target ;;
mapper*) side=mapper ;;
*) side=tap ;;
esac
case " $* " in *" --discover "*) exec cat catalog.json ;; esac
mkdir -p handed
count=0
while [ -e "handed/$side.$count.arguments" ]; do count=$((count + 1)); done
note=handed/$side.$count
printf '%s\n' "$@" > "$note.arguments"
# What `env` would print is what the shell has made of it.
cat /proc/$$/environ > "$note.variables"
while [ $# -gt 0 ]; do
	case $1 in
	--config) cat "$2" > "$note.config" ;;
	--catalog | --properties) cat "$2" > "$note.catalog" ;;
	--state) cat "$2" > "$note.state" ;;
	esac
	shift
done
case $side in
tap)
	echo '{"type": "SCHEMA", "stream": "users", "schema": {"properties": {"id": {"type": "integer"}}}, "key_properties": []}'
	echo '{"type": "RECORD", "stream": "users", "record": {"id": 1}}'
	echo '{"type": "STATE", "value": {"bookmarks": {"users": {"id": 1}}}}'
	[ ! -e tap-fails ] || exit 3
	;;
mapper) exec cat ;;
target)
	cat > /dev/null
	[ ! -e target-fails ] || exit 4
	echo '{"bookmarks": {"users": {"id": 1}}}'
	;;
esac
