#!/bin/sh
# Install the Debian packages that the mount and its tests need, where they are missing and this is root; else say which.
# fuse3 gives fusermount3; postgresql-client gives psql.
set -u
missing=""
command -v fusermount3 >/dev/null 2>&1 || missing="$missing fuse3"
command -v psql >/dev/null 2>&1 || missing="$missing postgresql-client"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "fsspeckit-gateway: installing$missing with apt-get"
    apt-get update -qq >/dev/null 2>&1
    # shellcheck disable=SC2086
    if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; then exit 0; fi
    echo "fsspeckit-gateway: apt-get could not install$missing; what needs them will say so" >&2
    exit 0
fi
echo "fsspeckit-gateway: not found:$missing. Install with: sudo apt-get install$missing" >&2
exit 0
