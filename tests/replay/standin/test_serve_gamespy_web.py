"""GameSpy's web services by rules, over real sockets, from the reference alone (gamespy 12, 13)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.replay.standin.gamespy import find
from tests.replay.standin.test_serve_gamespy import FILE, Services
from tests.replay.standin.webgame import (
    AUTHORISE,
    COMPETITION,
    STORAGE,
    Game,
    child,
    listed,
    report,
    tag,
    values,
)
from tests.running import Command, connect, read_all, rows

PATCH = "http://192.0.2.1/patch.exe"
GHOST = bytes(range(256)) * 40 + b"\r\n--no end\r\n"


class Web(Services):
    """`understudy serve gamespy`, and games at its web services."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        super().__init__(folder, "--keep-state", *arguments)
        self.open: list[Game] = []

    def game(self, name: str, *, new: bool = False) -> Game:
        """Somebody who logs in at the presence server, which gives the ticket."""
        player = self.presence()
        if new:
            player.newuser(name, "pass" + name)
        answer = player.login("uniquenick", name, "pass" + name)
        return self.visitor(str(find(answer, "lt")))

    def visitor(self, ticket: str = "x" * 24, secret: str = "HA6zkS") -> Game:
        game = Game(self.ports["web"], ticket, secret)
        self.open.append(game)
        return game

    def finish(self) -> None:
        for one in self.open:
            one.close()
        self.end()
        assert "defect" not in "".join(self.command.lines)


def test_everything_is_kept_over_a_restart(tmp_path: Path) -> None:
    news = ("--rule", "gamespy-web.motd=Hello|Bye", "--rule", f"gamespy-web.patch={PATCH}")
    web = Web(tmp_path, *news, "--rule", "gamespy-web.patch_name=1.1")
    try:
        kate, liam = web.game("kate", new=True), web.game("liam", new=True)
        _pages(kate)
        kept = _records(kate, liam)
        number = _files(kate)
        _competitions(kate)
        refused = kate.calls(
            "LoginUniqueNick", tag("namespaceid", 1) + tag("uniquenick", "kate"), path=AUTHORISE
        )
        assert child(refused, "responseCode") == "7"
        _hostile(web)
        assert kate.rows("GetMyRecords", "score") == [["10"], ["42"]]
        web.finish()
        assert any("RSA" in line for line in web.command.lines)
    finally:
        web.close()
    kinds = [row["key"].partition(":")[0] for row in rows(tmp_path / FILE, KEPT)]
    assert sorted(kinds) == ["file", "record", "record", "record", "report"]
    again = Web(tmp_path, "--rule", "gamespy-web.login=unsigned")
    try:
        kate = again.game("kate")
        found = kate.rows("SearchForRecords", "recordid", "name", "score", more=tag("max", 10))
        assert found == kept
        assert kate.creates(score=("intValue", 1)) not in [int(row[0]) for row in found]
        page, data = kate.page("/SakeFileServer/download.aspx", fileid=number, gameid=0, pid=1)
        assert (page.getheader("Sake-File-Result"), data) == ("0", GHOST)
        first = _unsigned(again)
        again.finish()
    finally:
        again.close()
    _from_the_recording(tmp_path, first)


KEPT = "SELECT key FROM state WHERE protocol = 'gamespy-web'"


def _pages(game: Game) -> None:
    asked: dict[str, Any] = {
        "productid": 10,
        "versionuniqueid": "1.0",
        "distid": 0,
        "gamename": "gmtest",
    }
    page, body = game.page("/motd/vercheck.asp", **asked)
    assert page.status == 200
    told = f"\\newver\\1\\lockout\\0\\fpfileid\\1\\newvername\\1.1\\dlurl\\{PATCH}\\"
    assert body == told.encode()
    assert game.page("/motd/motd.asp", **asked)[1] == b"Hello\r\nBye"
    mirrors = game.page("/dlfileraw.asp", file=1, gamename="gmtest")[1].decode().split("\r\n")
    assert mirrors == ["1.1", "0", f"Mirror\t{PATCH}", ""]
    assert game.page("/nothing")[0].status == 404


def _records(kate: Game, liam: Game) -> list[list[str]]:
    """Three records; what is left of them at the end."""
    one = kate.creates(score=("intValue", 10), name=("unicodeStringValue", "Käte & <Co>"))
    two = kate.creates(score=("intValue", 42), name=("unicodeStringValue", "Kate"))
    three = liam.creates(score=("intValue", -5), name=("unicodeStringValue", "Liam"))
    gone = liam.creates(score=("intValue", 7))
    asked = "recordid", "name", "score"
    more = tag("filter", "score > 0 and (name like 'k%' or score = 7)") + tag("sort", "score desc")
    found = kate.rows("SearchForRecords", *asked, more=more + tag("offset", 0) + tag("max", 10))
    assert [row[2] for row in found] == ["42", "10", "7"]
    assert found[1] == [str(one), "Käte & <Co>", "10"]
    assert found[2][1] == "", "never set"
    more = tag("sort", "score desc") + tag("targetfilter", "name = 'Liam'") + tag("surrounding", 1)
    around = kate.rows("SearchForRecords", "score", more=more + tag("max", 10))
    assert around == [["7"], ["-5"]]
    owner = kate.rows("GetMyRecords", "ownerid")[0][0]
    mine = listed("ownerids", "int", [owner])
    assert kate.rows("SearchForRecords", "score", more=mine) == [["10"], ["42"]]
    more = listed("recordids", "int", [two, one])
    assert liam.rows("GetSpecificRecords", "score", more=more) == [["42"], ["10"]]
    assert len(liam.rows("GetRandomRecords", "score", more=tag("max", 2))) == 2
    assert child(liam.sake("GetRecordCount", tag("filter", "score > 0"))[1], "count") == "3"
    limit = kate.sake("GetRecordLimit")[1]
    assert (child(limit, "limitPerOwner"), child(limit, "numOwned")) == ("100", "2")
    change = tag("recordid", one) + values(score=("intValue", 11))
    assert liam.sake("UpdateRecord", change)[0] == "NotOwned"
    assert kate.sake("UpdateRecord", change)[0] == "Success"
    back = tag("recordid", one) + values(score=("intValue", 10), best=("floatValue", "1.5"))
    assert kate.sake("UpdateRecord", back)[0] == "Success"
    assert kate.sake("DeleteRecord", tag("recordid", gone))[0] == "NotOwned"
    assert liam.sake("DeleteRecord", tag("recordid", gone))[0] == "Success"
    assert liam.sake("DeleteRecord", tag("recordid", gone))[0] == "RecordNotFound"
    rated = liam.sake("RateRecord", tag("recordid", one) + tag("rating", 200))[1]
    assert (child(rated, "numRatings"), child(rated, "averageRating")) == ("1", "200")
    rated = kate.sake("RateRecord", tag("recordid", one) + tag("rating", 101))[1]
    assert child(rated, "averageRating") == "150.5"
    assert kate.sake("RateRecord", tag("recordid", one) + tag("rating", 1))[0] == "AlreadyRated"
    for wrong, result in (
        (tag("filter", "score >"), "FilterInvalid"),
        (tag("filter", "1; drop table scores"), "FilterInvalid"),
        (tag("sort", "score; drop"), "SortInvalid"),
    ):
        assert kate.sake("SearchForRecords", wrong)[0] == result
    for kind, value in (
        ("intValue", "x"),
        ("byteValue", 256),
        ("asciiStringValue", "other type"),
        ("strangeValue", 1),
    ):
        assert kate.sake("CreateRecord", values(score=(kind, value)))[0] == "FieldTypeInvalid"
    assert kate.rows("SearchForRecords", "score", table="nobody's") == []
    return [[str(one), "Käte & <Co>", "10"], [str(two), "Kate", "42"], [str(three), "Liam", "-5"]]


def _files(game: Game) -> int:
    stored = game.uploads(GHOST)
    assert stored.getheader("Sake-File-Result") == "0"
    number = int(str(stored.getheader("Sake-File-Id")))
    page, data = game.page("/SakeFileServer/download.aspx", fileid=number, gameid=0, pid=1)
    assert (page.getheader("Sake-File-Result"), data) == ("0", GHOST)
    missing = game.page("/SakeFileServer/download.aspx", fileid=number + 1000, gameid=0, pid=1)[0]
    assert missing.getheader("Sake-File-Result") == "4"
    assert game.page("/SakeFileServer/download.aspx")[0].getheader("Sake-File-Result") == "3"
    assert game.uploads(bytes((1 << 20) + 1)).getheader("Sake-File-Result") == "5"
    return number


def _competitions(game: Game) -> None:
    made = game.calls("CreateSession", tag("gameid", 0), path=COMPETITION)
    assert child(made, "result") == "0"
    csid, ccid = child(made, "csid"), child(made, "ccid")
    meant = tag("csid", csid) + tag("ccid", ccid) + tag("gameid", 0)
    mine = game.calls("SetReportIntention", meant, path=COMPETITION)
    assert child(mine, "ccid") == ccid
    other = game.calls("SetReportIntention", tag("csid", csid), path=COMPETITION)
    assert child(other, "ccid") not in ("", ccid)
    done = game.calls("SubmitReport", meant, path=COMPETITION, tail=report(b"players", b"\0\xff"))
    assert child(done, "result") == "0"
    for tail in (b"", report(b"cut off")[:-3]):
        bad = game.calls("SubmitReport", meant, path=COMPETITION, tail=tail)
        assert child(bad, "result") == "1"
    banned = game.calls("CheckProfileOnBanList", tag("profileid", 7), path=COMPETITION)
    (user,) = [one for one in banned.iter() if one.tag.endswith("UserConfig")]
    assert (user.get("ProfileID"), user.get("IsBanned")) == ("7", "false")


def _hostile(web: Web) -> None:
    assert web.visitor().sake("GetMyRecords")[0] == "LoginTicketInvalid"
    assert web.visitor(secret="wrong").sake("GetMyRecords")[0] == "SecretKeyInvalid"
    stolen = web.visitor()
    stolen.who = "<ns1:certificate>" + tag("profileid", 1001) + "</ns1:certificate>"
    assert stolen.sake("GetMyRecords")[0] == "LoginTicketInvalid", "nobody can check it"
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><Envelope><Body><CreateRecord>&b;</CreateRecord>'
    deep = b"<Envelope><Body><CreateRecord>" + b"<a>" * 5000
    inside = b"<CreateRecord><loginTicket>\xff\xfe&b;</loginTicket></CreateRecord>"
    text = b"<Envelope><Body>" + inside + b"</Body></Envelope>"
    for body in (bomb, deep, text, b"<", b"<Envelope/>", b"\0" * 100, b"<a>" * 100_000):
        page, said = stolen.page(STORAGE, body)
        assert (page.status, b"Fault" in said) == (500, True), body[:80]
    assert stolen.page(STORAGE, b"<x/>", Strange=1)[0].status == 500
    length = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"
    for noise in (b"\0\xff\r\n\r\n", b"GET\r\n\r\n", length):
        with connect(web.ports["web"]) as connection:
            connection.sendall(noise)
            assert read_all(connection).startswith(b"HTTP/1.1 400 "), noise
    with connect(web.ports["web"]) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        for _ in range(70):
            connection.sendall(bytes(1 << 16))
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


def _unsigned(web: Web) -> dict[str, str]:
    """A game that does not check the signature logs in; its certificate names it at the store."""
    game = web.visitor()
    certificate = _login(game)
    assert len(certificate) == 14
    assert len(bytes.fromhex(certificate["signature"])) == 128
    assert len(bytes.fromhex(certificate["serverdata"])) == 128
    assert game.rows("GetMyRecords", "score") == [["10"], ["42"], ["1"]]
    return certificate


def _login(game: Game) -> dict[str, str]:
    """Log in; the certificate, by which the game is known from then on."""
    named = tag("namespaceid", 1) + tag("uniquenick", "kate")
    told = game.calls("LoginUniqueNick", named, path=AUTHORISE)
    assert child(told, "responseCode") == "0"
    (found,) = [one for one in told.iter() if one.tag.endswith("}certificate")]
    certificate = {one.tag.rpartition("}")[2]: one.text or "" for one in found}
    inner = "".join(tag(name, value) for name, value in certificate.items())
    game.who = f"<ns1:certificate>{inner}</ns1:certificate>" + tag("proof", "00")
    return certificate


def _from_the_recording(folder: Path, certificate: dict[str, str]) -> None:
    """What was recorded answers, and a certificate stays as it was signed; rules do the rest."""
    (found,) = rows(folder / FILE, RECORDED)
    arguments = ["serve", FILE, "-w", "again.understudy.db", "--relay", "gamespy-web:0"]
    arguments += ["--game-key", "gmtest=HA6zkS", "--session", str(found["session_id"])]
    with Command(folder, *arguments) as stand_in:
        game = Game(stand_in.ready()["gamespy-web", "tcp"])
        assert _login(game) == certificate
        assert game.rows("GetMyRecords", "score") == [["10"], ["42"], ["1"]]
        assert game.page("/motd/motd.asp", gamename="gmtest")[1] == b"Welcome"
        number = game.creates(score=("intValue", 5))
        assert game.rows("GetMyRecords", "score") == [["5"]], "made here, and not recorded"
        change = tag("recordid", number) + values(score=("intValue", 6))
        assert game.sake("UpdateRecord", change)[0] == "Success"
        assert game.rows("GetMyRecords", "recordid", "score") == [[str(number), "6"]]
        stored = game.uploads(GHOST)
        number = int(str(stored.getheader("Sake-File-Id")))
        assert game.page("/SakeFileServer/download.aspx", fileid=number, gameid=0)[1] == GHOST
        game.close()
        assert stand_in.stop() == 0, stand_in.said()
        assert stand_in.lines[-1].endswith("everything answered")


RECORDED = (
    "SELECT session_id FROM flows JOIN frames ON frames.flow_id = flows.id "
    "WHERE direction = 's>c' AND instr(raw, CAST('<peerkeyprivate>' AS BLOB)) > 0"
)
