"""`understudy games` and `understudy protocols`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from proxy import catalog
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


def test_the_list_has_a_line_for_each_game() -> None:
    lines = run("games").splitlines()
    assert len(lines) == 1 + len(catalog.names())
    assert [line.split()[0] for line in lines[1:]] == catalog.names()
    (gamespy,) = [line for line in lines if line.startswith("gamespy ")]
    assert "gamespy-presence and 9 more" in gamespy


@pytest.mark.parametrize("columns", [80, 120])
def test_a_game_can_be_copied_from_a_narrow_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("recordings.listing.is_terminal", lambda: True)
    lines = run("games").splitlines()
    assert [line.split()[0] for line in lines[1:]] == catalog.names()
    assert max(map(len, lines)) <= columns
    assert any("The Lord of the Rings" in line for line in lines), "its title beside it"


def test_one_game_comes_with_its_notes() -> None:
    text = run("games", "nascar-thunder-2004")
    assert text.startswith("nascar-thunder-2004: NASCAR Thunder 2004 (PlayStation 2")
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
    for arguments, said in (
        ("games nonsense", "no game is named 'nonsense': see `understudy games`"),
        ("games madden", "did you mean madden-nfl-06 or madden-nfl-2005?"),
        ("record nascar", "did you mean nascar-thunder-2004?"),
        ("doctor thunder", "did you mean nascar-thunder-2004?"),
        ("record kaillera:0=127.0.0.1:9", "said by: --relay kaillera:0=127.0.0.1:9"),
        ("protocols nonsense", "no protocol is named 'nonsense': there are ea-lobby, "),
        ("protocols ea", "no protocol is named 'ea': did you mean ea-lobby?"),
        ("record --relay ea-loby:0=a:1", "did you mean ea-lobby?"),
        ("record --relay kaillera:99999=a:1", "there is no port 99999, the last is 65535: write"),
        ("record kaillera --upstream a:70000", "there is no port 70000, the last is 65535"),
    ):
        result = CliRunner().invoke(cli, arguments.split())
        assert (result.exit_code, result.stdout) == (1, "")
        assert said in result.stderr
