"""`understudy games` and `understudy protocols`."""

from __future__ import annotations

import json

from click.testing import CliRunner

from understudy import cli


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_game_is_listed_with_its_services() -> None:
    rows = [json.loads(line) for line in run("games", "--nl").splitlines()]
    nascar = [row for row in rows if row["game"] == "nascar-thunder-2004"]
    assert [(row["protocol"], row["port"], row["hosts"]) for row in nascar] == [
        ("ea-lobby", 10600, "ps2nascar04.ea.com")
    ]
    assert nascar[0]["legs"] == "lobby buddy"
    assert {row["game"] for row in rows} >= {"gamespy", "kaillera", "jazz-jackrabbit-2"}


def test_one_game_comes_with_its_notes() -> None:
    text = run("games", "nascar-thunder-2004")
    assert "10600/tcp" in text
    assert "ICMP echo" in text


def test_every_protocol_is_listed() -> None:
    rows = json.loads(run("protocols", "--json"))
    names = [row["protocol"] for row in rows]
    assert names == sorted(names)
    assert {"ea-lobby", "raw-tcp", "raw-udp"} <= set(names)


def test_the_kinds_of_a_protocol_are_listed() -> None:
    rows = [json.loads(line) for line in run("protocols", "ea-lobby", "--nl").splitlines()]
    kinds = {(row["kind"], row["directions"]) for row in rows}
    assert ("@dir", "c>s") in kinds
    assert run("protocols", "raw-udp", "--csv") == "kind,directions,meaning,fields,source\n"


def test_an_unknown_name_is_one_sentence() -> None:
    for arguments in (("games", "nonsense"), ("protocols", "nonsense")):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 1
        assert "nonsense" in result.output
