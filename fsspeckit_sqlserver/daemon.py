"""The life of `fsspeckit-sqlserver`: bind, open the engine, serve, stop.

Stays in the foreground, as systemd wants it. The port is taken before the engine lists the tables, so that a wrong
address is said at once; clients are accepted only after that, when the line `ready: …` is printed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
import time
from collections.abc import Callable, Mapping

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.service.notify import notify
from fsspeckit_sqlserver.auth.failures import Failures
from fsspeckit_sqlserver.auth.login import Gate
from fsspeckit_sqlserver.auth.tls import TlsListener
from fsspeckit_sqlserver.config import Limits, ServerConfig, Source
from fsspeckit_sqlserver.engine import TableSource, open_engine
from fsspeckit_sqlserver.server import Server, bind_listener
from fsspeckit_sqlserver.session.ports import Engine

__all__ = ["run"]

logger = logging.getLogger(__name__)


def run(config: ServerConfig, cache: CacheConfig, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        config: what to serve, and where.
        cache: where cached copies lie.
        announce: gets the line that says where to connect, once clients are accepted.

    Raises:
        GatewayError: the address cannot be had, or a table cannot be opened.
    """
    tls = TlsListener(config.auth.tls) if config.auth.tls is not None else None
    gate = Gate(config.auth.rules, Failures(time.monotonic), config.auth.users, config.auth.secret)
    if tls is None and not ipaddress.ip_address(config.host).is_loopback:
        logger.warning("listening on %s without TLS: what clients ask and get can be read on the way", config.host)
    listener = bind_listener(config.host, config.port)
    try:
        shared_cache = Cache(cache)
        try:
            engine = open_engine(
                _table_sources(config.tables, shared_cache),
                _table_sources(config.schemas, shared_cache),
                cache=shared_cache,
                memory_limit=config.engine.memory_limit,
                threads=config.engine.threads,
                manifest_ttl_s=config.engine.manifest_ttl_s,
                max_running=config.engine.max_running,
                rights=config.auth.rights,
                has_row_types=config.limits.settings["fsspeckit.struct_format"] == "composite",
            )
            try:
                asyncio.run(_serve(engine, config.limits, gate, tls, listener, announce))
            finally:
                engine.close()
        finally:
            shared_cache.close()
    finally:
        listener.close()


def _table_sources(sources: Mapping[str, Source], cache: Cache) -> dict[str, TableSource]:
    return {name: TableSource(cache.resilient(source.store), source.partitioning) for name, source in sources.items()}


async def _serve(
    engine: Engine,
    limits: Limits,
    gate: Gate,
    tls: TlsListener | None,
    listener: socket.socket,
    announce: Callable[[str], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, tls.reload if tls is not None else lambda: None)
    server = Server(engine, limits, gate=gate, tls=tls)
    await server.start(listener)
    host, port = listener.getsockname()[:2]
    address = f"postgresql://fsspeckit@{f'[{host}]' if ':' in host else host}:{port}/fsspeckit"
    logger.info("listening on %s port %d", host, port)
    announce(f"ready: {address}")
    notify(f"READY=1\nSTATUS=serving {address}")
    try:
        await stop.wait()
    finally:
        notify("STOPPING=1")
        logger.info("stopping")
        await server.stop()
