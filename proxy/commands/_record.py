"""From the options of `understudy record` to a job: files, keys, names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from proxy import catalog, options, registry
from proxy.commands import _generic as generic
from proxy.commands._job import Dns, JobOptions
from proxy.commands._keys import read_keys
from proxy.commands._traffic import Traffic
from proxy.mutation.engine import Mutations
from proxy.mutation.rulefile import read_rules
from proxy.plan import plan
from proxy.recorder import Settings
from proxy.relay.dns import PORT as DNS_PORT
from proxy.relay.sockets import WILDCARDS
from recordings.errors import UserError
from recordings.model import Direction

ENDING = ".understudy.db"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wrote, as click hands it over."""

    game: str | None
    relay: Sequence[str]
    upstream: str | None
    mode: Sequence[str]
    game_name: str | None
    dns: Sequence[str]
    dns_port: int | None
    dns_upstream: str | None
    resolver: Sequence[str]
    listen_host: str
    write: Path | None
    key: Sequence[str]
    game_key: Sequence[str]
    keys_file: Path | None
    swallow_tic: bool
    relay_peers: bool
    keep_relaying: bool
    protocol_file: Sequence[Path]
    frame: str | None = None
    cipher: str | None = None
    cipher_on: Sequence[str] = ()
    key_from: str | None = None
    from_frame: int | None = None
    rules: Path | None = None
    seed: int | None = None
    traffic: Traffic = field(default_factory=Traffic)
    changeable: bool = False


def job_options(asked: Asked) -> JobOptions:
    """Everything checked and put together; raises UserError."""
    for path in asked.protocol_file:
        registry.add_file(path)
    game = catalog.game(asked.game) if asked.game else None
    relays = [options.read_relay(text) for text in asked.relay]
    planned = plan(
        game,
        relays,
        upstream=options.read_upstream(asked.upstream) if asked.upstream else None,
        listen_host=asked.listen_host,
        game_name=asked.game_name,
        modes=asked.mode,
    )
    # an unknown protocol is said before anything is opened
    hosts = {one.listen.host for one in planned.listeners}
    if asked.traffic.lan and not hosts & WILDCARDS.keys():
        raise UserError("--lan hears broadcasts only on all addresses: add --listen-host 0.0.0.0")
    names = {registry.protocol(one.listen.protocol).name for one in planned.listeners}
    generic.apply(
        names,
        asked.frame,
        asked.cipher,
        asked.cipher_on,
        asked.key_from,
        asked.from_frame,
    )
    keys, secrets = read_keys(asked.keys_file, asked.key, asked.game_key)
    settings = Settings(
        game=asked.game,
        keys=tuple(keys),
        secrets=secrets,
        swallow=(("@tic", Direction.TO_SERVER),) if asked.swallow_tic else (),
        relay_peers=asked.relay_peers,
        mutations=_mutations(asked),
    )
    first = planned.listeners[0].listen.protocol if planned.listeners else "recording"
    return JobOptions(
        path=asked.write or default_path(asked.game or first),
        plan=planned,
        settings=settings,
        listen_host=asked.listen_host,
        dns=_dns(asked, planned.names),
        modes=tuple(options.read_mode(text, asked.listen_host) for text in asked.mode),
        resolvers=tuple(asked.resolver),
        keep_relaying=asked.keep_relaying,
        traffic=asked.traffic,
        changeable=asked.changeable,
    )


def _mutations(asked: Asked) -> Mutations | None:
    if asked.rules is not None:
        return Mutations(read_rules(asked.rules, seed=asked.seed, live=True))
    if asked.seed is not None:
        raise UserError("--seed is for what rules leave to chance: give --rules FILE with it")
    return None


def default_path(name: str) -> Path:
    """`GAME-UTCDATE.understudy.db` in the working folder."""
    return Path(f"{name}-{datetime.now(UTC):%Y-%m-%d}{ENDING}")


def _dns(asked: Asked, names: Sequence[str]) -> Dns:
    answers: dict[str, str | None] = dict.fromkeys(names)
    answers.update(options.read_dns(text) for text in asked.dns)
    if asked.dns_port is not None and not answers and not asked.dns_upstream:
        raise UserError(
            "--dns-port has no name to answer: leave it out, name a GAME that looks up "
            "its server, or give --dns NAME"
        )
    return Dns(
        names=answers,
        port=DNS_PORT if asked.dns_port is None else asked.dns_port,
        upstream=options.read_name_server(asked.dns_upstream) if asked.dns_upstream else None,
        needed=bool(asked.dns or asked.dns_upstream) or asked.dns_port is not None,
    )
