# The password goes into a file, not onto a command line. Nothing is kept: Redis counts the last minute's requests.
set -eu
umask 077
printf 'requirepass %s\n' "$REDISCLI_AUTH" >/tmp/redis.conf
exec redis-server /tmp/redis.conf --bind 0.0.0.0 --save '' --appendonly no --dir /data \
  --maxmemory 96mb --maxmemory-policy volatile-ttl
