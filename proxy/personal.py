"""Which fields tell who somebody is, by protocol: what `understudy redact` replaces.

    name: auth.NAME *.PERS; password: *.PASS; address: @dir.ADDR

A field is `KIND.PATH`, `*` for every kind; a path leaves out the places of lists and repeated keys,
`users.name` for `users[0].name`, and a `*` at its end stands for any rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import lru_cache

CATEGORIES = {
    "name": "names of persons, accounts and personas",
    "password": "passwords, and what is made of them",
    "email": "e-mail addresses",
    "address": "network addresses",
    "mac": "addresses of network cards",
    "hardware": "numbers of machines, disks and consoles",
    "cdkey": "CD keys, and what is made of them",
    "person": "dates of birth, places, telephone numbers",
}
"""Category -> what belongs to it."""

_PLACE = re.compile(r"\[\d*\]")


def personal_of(*tables: str) -> dict[str, str]:
    """Field -> category of tables; ValueError when one is broken."""
    found: dict[str, str] = {}
    for line in ";".join(tables).split(";"):
        category, colon, fields = (part.strip() for part in line.partition(":"))
        if category not in CATEGORIES or not colon:
            raise ValueError(f"{line.strip()!r} is no `category: fields`")
        for name in fields.split():
            if "." not in name:
                raise ValueError(f"{name!r} is no KIND.PATH")
            found[name] = category
    return found


def plain_path(path: str) -> str:
    """A path without the places of its lists: `users[0].name` is `users.name`."""
    return _PLACE.sub("", path)


@lru_cache(maxsize=256)
def _patterns(names: tuple[str, ...]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(translate(name)), name) for name in names if name.endswith("*")]


def category_of(personal: Mapping[str, str], kind: str, path: str) -> str | None:
    """The category of a field, None for one that tells nothing."""
    path = plain_path(path)
    found = personal.get(f"{kind}.{path}") or personal.get(f"*.{path}")
    if found is not None:
        return found
    for pattern, name in _patterns(tuple(personal)):
        if pattern.match(f"{kind}.{path}") or pattern.match(f"*.{path}"):
            return personal[name]
    return None


LOBBY = personal_of(
    """
    password: *.PASS *.LKEY;
    name: auth.NAME acct.NAME edit.NAME cper.NAME dper.NAME AUTH.NAME *.PERS *.PERSONAS *.OPTS
      +who.N +who.M onln.N onln.M +usr.N +msg.N +rnk.N +snp.N +ses.SELF +ses.OPPO +ses.HOST
      room.HOST rank.NAME0 rank.NAME1 mesg.PRIV mesg.NAME snap.FIND *.USER *.FUSR;
    email: *.MAIL *.PMAIL;
    address: *.ADDR *.FROM *.A *.MADDR *.BUDDY_URL *.BUDDY_SERVER *.BUDDYSERVERNAME;
    mac: *.MID *.MAC;
    hardware: *.CDEV *.HWID;
    person: *.BORN
""".replace("\n", " ")
)
"""Of the EA lobby (ea-lobby 3, 8)."""

GAMESPY = personal_of(
    """
    password: *.password *.passwordenc *.passenc *.pass *.response *.proof *.authtoken *.token
      *.passwd *.requestedresponse *.body.password* *.partnerchallenge;
    name: *.nick *.uniquenick *.uniquenick.* *.profilenick *.user *.username *.player *.name
      *.userfromnick *.account *.nicks *.nr.nick *.bsr.nick *.body.uniquenick* *.body.profilenick*
      *.owner *.from *.buddy.nick *.psr.nick *.searchnick *.defaultnick *.creator;
    email: *.email *.psr.email *.body.email*;
    address: *.ip *.localip *.local_ip *.private_ip *.icmp_ip *.alternate_ip *.servers.ip
      *.servers.private_ip *.servers.icmp_ip *.hostIp *.hprivIp *.hostip *.hprivip *.locstring
      *.publicip *.ipaddr *.host *.bip;
    cdkey: *.cdkey *.cdkeyenc *.cdkeyhash *.cd *.resp *.key_hash *.realname CDKEY.key;
    hardware: *.videocard1string *.videocard2string *.osstring *.cpubrandid *.connectionid;
    person: *.firstname *.lastname *.birthday *.zipcode *.icquin *.homepage *.place
""".replace("\n", " ")
)
"""Of GameSpy's services (gamespy 1 to 13)."""
