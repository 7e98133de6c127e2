"""From the options of `understudy serve` to a job: what is recorded, who may come, which rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from proxy import catalog, options, registry
from proxy.commands._job import Dns, JobOptions
from proxy.commands._keys import read_keys
from proxy.commands._record import ENDING
from proxy.commands._traffic import Traffic
from proxy.mutation.engine import Mutations
from proxy.mutation.rulefile import read_rules
from proxy.plan import Plan
from proxy.recorder import Settings
from proxy.relay.dns import PORT as DNS_PORT
from proxy.relay.resolver import Resolver
from recordings.choosing import one_session
from recordings.errors import UserError
from recordings.handed import read_toml
from recordings.model import Direction, Origin
from recordings.opening import beside
from recordings.reader import Reader
from recordings.rows import SessionRow
from replay.standin.cast import Cast, Show
from replay.standin.listed import check_lists, read_list
from replay.standin.planning import plan_game, plan_pool
from replay.standin.pool import Pool
from replay.standin.rules import rules_of
from replay.transport_announcing import announcing, lists_served

SHELVES = "SELECT DISTINCT protocol FROM state WHERE session_id IS NULL"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wrote, as click hands it over."""

    source: str
    session: int | None
    relay: Sequence[str]
    record_mode: str | None
    upstream: str | None
    ghosts: Path | None
    announce: Sequence[str]
    accounts: Path | None
    rule: Sequence[str]
    keep_state: bool
    seed: str | None
    game_name: str | None
    game_key: Sequence[str]
    key: Sequence[str]
    keys_file: Path | None
    dns: Sequence[str]
    dns_port: int | None
    resolver: Sequence[str]
    listen_host: str
    write: Path | None
    protocol_file: Sequence[Path]
    traffic: Traffic
    rules: Path | None = None


def job_options(asked: Asked) -> JobOptions:
    """Everything checked and put together; raises UserError."""
    for path in asked.protocol_file:
        registry.add_file(path)
    file = _file(asked.source)
    game = None if file else catalog.game(asked.source)
    if game is not None and asked.session is not None:
        raise UserError("--session chooses one of a recording: give its FILE instead of the GAME")
    pool = _pool(file, asked.session) if file else None
    if game is not None and asked.record_mode in ("once", "new_episodes"):
        # what an earlier run has recorded
        again = asked.write or default_path(game.name, dated=not asked.keep_state)
        pool = _earlier(again) if again.exists() else None
    upstream = options.read_upstream(asked.upstream) if asked.upstream else None
    if pool is not None and asked.record_mode in ("none", "once"):
        upstream = None  # what is not recorded is left to the rules
    relays = [options.read_relay(text) for text in asked.relay]
    if game is not None:
        name: str | None = game.name
        plan = plan_game(game, relays, asked.listen_host, asked.game_name, upstream)
    else:
        assert pool is not None
        known = {one.game for one in pool.sessions if one.game}
        name = known.pop() if len(known) == 1 else None
        plan = plan_pool(pool, relays, asked.listen_host, asked.game_name, upstream)
    for one in plan.listeners:
        registry.protocol(one.listen.protocol)
    live = any(one.listen.upstream for one in plan.listeners)
    keys, secrets = read_keys(asked.keys_file, asked.key, asked.game_key)
    written = name or plan.listeners[0].listen.protocol
    path = asked.write or default_path(written, dated=not asked.keep_state)
    if file is not None and path.exists() and path.samefile(file):
        raise UserError(f"{file} is only read: give -w another file to record to")
    show = Show(
        pool=pool,
        ghosts=_pool(asked.ghosts, None) if asked.ghosts else None,
        mode=_mode(asked.record_mode, live),
        options=_rule_options(asked.rule),
        accounts=read_accounts(asked.accounts) if asked.accounts else None,
        seed=asked.seed or "0",
        keep=asked.keep_state,
        kept=_kept(path) if asked.keep_state and path.exists() else {},
        opened=_announcing(asked, plan),
    )
    return JobOptions(
        path=path,
        plan=plan,
        settings=Settings(
            game=name,
            keys=tuple(keys),
            secrets=secrets,
            mutations=_mutations(asked, live),
            origin=Origin.STAND_IN,
        ),
        listen_host=asked.listen_host,
        dns=_dns(asked, plan),
        resolvers=tuple(asked.resolver),
        traffic=replace(asked.traffic, offline=asked.traffic.offline or not live),
        recorder=partial(Cast, show),
    )


def _mutations(asked: Asked, live: bool) -> Mutations | None:
    if asked.rules is None:
        return None
    if "=" in asked.rules.name and not asked.rules.exists():
        raise UserError(
            f"--rules names a file: what is set by PROTOCOL.NAME=VALUE is --rule {asked.rules}"
        )
    number = int(asked.seed) if asked.seed and asked.seed.isdecimal() else None
    rules = read_rules(asked.rules, seed=number, live=True)
    for rule in () if live else rules.rules:
        if Direction.TO_CLIENT not in rule.directions:
            raise UserError(
                f"{rule.where} is about what the client says: a stand-in changes only what it says "
                "itself"
            )
    return Mutations(rules)


def _announcing(asked: Asked, plan: Plan) -> Callable[[Cast], None]:
    """What tells the lists that the user named; nothing, where he named none."""
    lists = [read_list(text) for text in asked.announce]
    protocols = lists_served([one.listen.protocol for one in plan.listeners])
    check_lists(lists, protocols, asked.traffic.offline)
    return announcing(lists, protocols, Resolver(asked.resolver, hosts=asked.traffic.hosts()))


def _file(source: str) -> Path | None:
    """The recording that is meant; None: the name of a game."""
    path = Path(source)
    if path.is_file():
        return path
    if source in catalog.names():
        return None
    if path.is_dir():
        raise UserError(f"{source} is a folder: give the path of a recording, or a game")
    if path.suffix or "/" in source or "\\" in source:
        hint = beside(path) or "`understudy record` makes one"
        raise UserError(f"there is no recording {source}: {hint}")
    return None


def _pool(file: Path, session: int | None) -> Pool:
    with Reader.open(file) as reader:
        chosen = [one_session(reader, session)] if session else _genuine(reader.sessions())
        if not chosen:
            one_session(reader, None)  # says so
        return Pool(reader, chosen)


def _genuine(sessions: list[SessionRow]) -> list[SessionRow]:
    """What servers said to players; tries of ours to play a client only where nothing else is."""
    return [one for one in sessions if one.origin != Origin.PLAYBACK] or sessions


def _earlier(file: Path) -> Pool | None:
    """What an earlier run has recorded, if anything."""
    with Reader.open(file) as reader:
        sessions = [one for one in reader.sessions() if one.frames]
        return Pool(reader, sessions) if sessions else None


def _mode(asked: str | None, live: bool) -> str:
    if asked is None:
        return "new_episodes" if live else "none"
    if asked in ("new_episodes", "all") and not live:
        raise UserError(f"--record-mode {asked} asks a live server: name one with --upstream HOST")
    return asked


def _kept(path: Path) -> dict[str, dict[str, str]]:
    """What an earlier run kept, by shelf."""
    with Reader.open(path) as reader:
        names = [str(row[0]) for row in reader.select(SHELVES)]
        return {name: reader.state(None, name) for name in names}


def _rule_options(texts: Sequence[str]) -> Mapping[str, str]:
    """`PROTOCOL.NAME` -> value; raises UserError, which lists the names that there are."""
    found = {}
    for text in texts:
        left, equals, value = text.partition("=")
        protocol, dot, name = left.rpartition(".")
        if not equals or not dot:
            raise UserError(
                f"--rule {text!r} is not of the form PROTOCOL.NAME=VALUE; a file of rules that "
                "change frames is given by --rules FILE"
            )
        rules = rules_of(registry.protocol(protocol).name)
        known = rules.options if rules else {}
        if name not in known:
            listed = "; ".join(f"{one}: {what}" for one, what in known.items())
            raise UserError(f"the rules of {protocol} have no option {name!r}; there is {listed}")
        found[left] = value
    return found


def read_accounts(path: Path) -> dict[str, str]:
    """Name -> password of a TOML file; raises UserError."""
    table = read_toml(path)
    if not all(isinstance(value, str) for value in table.values()):
        raise UserError(f'{path}: write NAME = "PASSWORD", one on each line')
    return table


def default_path(name: str, *, dated: bool = True) -> Path:
    """`GAME-stand-in-UTCDATE.understudy.db` in the working folder; what is kept has no date, so
    that it is found again on the next day."""
    date = f"-{datetime.now(UTC):%Y-%m-%d}" if dated else ""
    return Path(f"{name}-stand-in{date}{ENDING}")


def _dns(asked: Asked, plan: Plan) -> Dns:
    answers: dict[str, str | None] = dict.fromkeys(plan.names)
    answers.update(options.read_dns(text) for text in asked.dns)
    if asked.dns_port is not None and not answers:
        raise UserError(
            "--dns-port has no name to answer: leave it out, name a GAME that looks up "
            "its server, or give --dns NAME"
        )
    return Dns(
        names=answers,
        port=DNS_PORT if asked.dns_port is None else asked.dns_port,
        needed=bool(asked.dns) or asked.dns_port is not None,
    )
