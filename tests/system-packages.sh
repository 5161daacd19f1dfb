#!/bin/sh
# Install the Debian packages that are missing, where this is root; else say which.
#   system-packages.sh          what the demo needs: fusermount3 and psql
#   system-packages.sh server   and what the tests start themselves: a PostgreSQL server to compare with, sshd, npm for Azurite, JDBC and ODBC,
#                               programs that read mounts
set -u
missing=""
command -v fusermount3 >/dev/null 2>&1 || missing="$missing fuse3"
command -v psql >/dev/null 2>&1 || missing="$missing postgresql-client"
if [ "${1:-}" = server ] && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then missing="$missing postgresql"; fi
if [ "${1:-}" = server ]; then
    command -v sshd >/dev/null 2>&1 || [ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
    command -v npm >/dev/null 2>&1 || missing="$missing npm"
    command -v javac >/dev/null 2>&1 || missing="$missing default-jdk-headless"
    [ -e /usr/share/java/postgresql.jar ] || missing="$missing libpostgresql-jdbc-java"
    command -v isql >/dev/null 2>&1 || missing="$missing unixodbc odbc-postgresql"
    for program in fio git less rsync sqlite3; do # programs that read mounts
        command -v $program >/dev/null 2>&1 || missing="$missing $program"
    done
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "fsspeckit-gateway: installing$missing with apt-get"
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then # else the package would create and start a cluster
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    export RUNLEVEL=1 # a package starts no service of its own
    apt-get update -qq >/dev/null 2>&1
    # shellcheck disable=SC2086
    if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; then exit 0; fi
    echo "fsspeckit-gateway: apt-get could not install$missing; what needs them will say so" >&2
    exit 0
fi
echo "fsspeckit-gateway: not found:$missing. Install with: sudo apt-get install$missing" >&2
exit 0
