"""A server on the in-memory engine in a process of its own: `python -m tests.fsspeckit_sqlserver.memory_server`.

Its own process, because some drivers hold the interpreter's lock while they wait for the server. Prints the port,
serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time

from fsspeckit_lib.service.sqlserver_settings import SqlServerSettings
from fsspeckit_sqlserver.auth.configured import auth_config
from fsspeckit_sqlserver.auth.failures import Failures
from fsspeckit_sqlserver.auth.login import Gate
from fsspeckit_sqlserver.auth.tls import TlsListener
from fsspeckit_sqlserver.server import Limits, Server, bind_listener
from tests.fsspeckit_sqlserver.memory_engine import MemoryEngine


async def main(limits: Limits, settings: SqlServerSettings) -> None:
    listener = bind_listener("127.0.0.1", 0)
    engine = MemoryEngine()
    config = auth_config(settings, "127.0.0.1")
    tls = TlsListener(config.tls) if config.tls is not None else None
    if tls is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, tls.reload)
    server = Server(
        engine, limits, gate=Gate(config.rules, Failures(time.monotonic, most=20), config.users, config.secret), tls=tls
    )
    await server.start(listener)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop()
    listener.close()
    engine.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-connections", type=int, default=100)
    parser.add_argument("--max-message-bytes", type=int, default=64 << 20)
    parser.add_argument("--login-timeout", type=float, default=60.0)
    parser.add_argument("--settings", default="{}", help="`sqlserver:` as JSON")
    arguments = parser.parse_args()
    limits = Limits(arguments.max_connections, arguments.max_message_bytes, arguments.login_timeout)
    asyncio.run(main(limits, SqlServerSettings.model_validate_json(arguments.settings)))
