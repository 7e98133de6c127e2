"""Games: every file can be read, names the protocols that there are, and gives its host names."""

from __future__ import annotations

import pytest

from proxy import catalog, registry
from recordings.errors import UserError
from recordings.model import Transport


@pytest.mark.parametrize("name", catalog.names())
def test_every_game_can_be_read(name: str) -> None:
    game = catalog.game(name)
    assert game.title
    assert game.source
    assert game.services
    for service in game.services:
        assert 0 < service.port < 65536
        assert service.transport in registry.protocol(service.protocol).transports
    for leg in game.legs:
        kinds = {one.kind for one in registry.protocol(leg.protocol).announces}
        assert leg.announced_by in kinds
    roles = [(service.role, service.transport) for service in game.services]
    assert len(roles) == len(set(roles))


def test_nascar_thunder_2004() -> None:
    game = catalog.game("nascar-thunder-2004")
    (directory,) = game.services
    assert (directory.protocol, directory.port) == ("ea-lobby", 10600)
    assert directory.transport is Transport.TCP
    assert game.names() == ["ps2nascar04.ea.com"]
    assert [leg.role for leg in game.legs] == ["lobby", "buddy"]


def test_titles_with_an_enciphered_directory_say_so() -> None:
    for game in catalog.games():
        first = game.services[0]
        assert (game.directory == "SSLv3, not decoded") == (first.protocol == "raw-tcp")


def test_a_literal_address_is_no_name() -> None:
    game = catalog.game("tiger-woods-pga-tour-2004")
    assert game.names() == []
    assert game.services[0].names() == ["159.153.229.231"]


def test_gamespy_names_follow_from_the_games_name() -> None:
    game = catalog.game("gamespy")
    names = game.names("gmtest")
    for name in (
        *(f"gmtest.ms{n}" for n in range(20)),
        *(f"natneg{n}" for n in (1, 2, 3)),
        *(f"gmtest.natneg{n}" for n in (1, 2, 3)),
        *("gmtest.master", "gmtest.available", "gmtest.gamestats", "gmtest.auth.pubsvs"),
        *("gmtest.sake", "gmtest.comp.pubsvs", "gpcm", "gpsp", "peerchat", "key", "motd", "master"),
    ):
        assert f"{name}.gamespy.com" in names
    assert len(names) == len(set(names))
    assert "*.master.gamespy.com" in game.names()  # without it any name will do
    assert not any("gmtest" in name or "{" in name for name in game.names())


def test_an_unknown_game_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"'nascar-2004': did you mean nascar-thunder-2004\?"):
        catalog.game("nascar-2004")
    with pytest.raises(UserError, match="see `understudy games`"):
        catalog.game("../../etc/passwd")


def test_a_file_with_a_mistake_is_refused() -> None:
    with pytest.raises(ValueError, match="small letters"):
        catalog.read("Bad Name", "")
    with pytest.raises(ValueError, match=r"games/x\.toml: a game has at least one"):
        catalog.read("x", 'title = "no services"')
    with pytest.raises(ValueError, match=r"games/x\.toml: .*protokoll"):
        catalog.read("x", 'title = "t"\n[[services]]\nrole = "r"\nprotokoll = "p"')
    with pytest.raises(ValueError, match=r"games/x\.toml: Invalid value"):
        catalog.read("x", "title = ")
