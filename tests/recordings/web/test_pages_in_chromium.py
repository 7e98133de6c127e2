"""What a person sees: the pages in a real browser, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from tests.recordings.web.chromium import Chromium
from tests.recordings.web.hostile import FRAMES, write_hostile
from tests.recordings.web.many import MANY, write_many
from tests.recordings.web.serving import Web, browsed


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    from proxy.viewer import VIEWER

    path = tmp_path_factory.mktemp("web") / "evening.db"
    with Recording.open(path) as recording:
        load_sample(next(FOLDER.glob("nascar*.jsonl")), recording, VIEWER)
    with browsed(path) as served:
        yield served


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with browsed(write_hostile(tmp_path_factory.mktemp("web") / "hostile.db")) as served:
        yield served


@pytest.mark.parametrize(
    "target",
    [
        "/", "/session/1", "/session/1?flow=2", "/session/1/timeline",
        *(f"/frame/{number}" for number in range(1, FRAMES + 1)),
        "/recording", "/recording/frames", "/recording/sessions", "/recording/flows",
        "/recording/keys", "/recording/events", "/recording/notes", "/recording/wrong_checks",
        "/recording/unknown_kinds", "/recording/changed_frames", "/recording/frames/3",
        "/recording?sql=select+*+from+frames",
    ],
)  # fmt: skip
def test_no_script_of_a_peer_runs(chromium: Chromium, hostile: Web, target: str) -> None:
    chromium.open(hostile.address + target)
    for event in ("mouseover", "focus", "load", "error", "click"):
        chromium.ask(
            "document.querySelectorAll('main *, section *').forEach("
            f"e => e.matches('a, button, input') || e.dispatchEvent(new Event('{event}')))"
        )
    assert chromium.noted == []
    assert chromium.ask("document.scripts.length") == (0 if "recording" in target else 2)
    assert (
        chromium.ask("document.querySelectorAll('img, iframe, b, [onload], [onclick]').length") == 0
    )
    assert chromium.ask("document.querySelectorAll('a[href^=\"javascript\" i]').length") == 0


def test_the_saved_diagrams_run_nothing_either(
    chromium: Chromium, hostile: Web, tmp_path: Path
) -> None:
    for kind in ("svg", "html"):
        path = tmp_path / f"diagram.{kind}"
        path.write_bytes(hostile.get(f"/session/1/diagram.{kind}").body)
        chromium.open(path.as_uri())
        assert chromium.noted == []
        assert chromium.requests == [path.as_uri()]
        assert chromium.ask("document.querySelectorAll('.m').length") >= FRAMES
        assert chromium.ask("document.documentElement.nodeName").lower() == kind


@pytest.mark.parametrize(
    "target", ["/", "/session/1", "/frame/8", "/recording", "/recording/kinds"]
)
def test_light_and_dark(chromium: Chromium, evening: Web, target: str) -> None:
    shades = {}
    for dark in (False, True):
        chromium.look(dark=dark)
        chromium.open(evening.address + target)
        shades[dark] = [
            sum(map(int, chromium.ask(f"getComputedStyle(document.querySelector('{one}')).{what}")
                    .removeprefix("rgb(").removesuffix(")").split(",")))
            for one, what in (("body", "backgroundColor"), ("h1", "color"))
        ]  # fmt: skip
        assert chromium.noted == []
    chromium.look()
    (light_paper, light_ink), (dark_paper, dark_ink) = shades[False], shades[True]
    assert light_paper > 600 > 250 > light_ink
    assert dark_ink > 600 > 150 > dark_paper


@pytest.mark.parametrize(
    "target", ["/", "/session/1", "/frame/8", "/recording", "/recording/frames"]
)
def test_a_narrow_window_scrolls_only_within(chromium: Chromium, evening: Web, target: str) -> None:
    chromium.look(width=400)
    chromium.open(evening.address + target)
    wide = chromium.ask("document.documentElement.scrollWidth")
    chromium.look()
    assert wide <= 400


def test_two_thousand_messages_are_drawn(chromium: Chromium, tmp_path: Path) -> None:
    with browsed(write_many(tmp_path / "many.db")) as web:
        chromium.open(web.address + "/")
        chromium.open(web.address + "/session/1")
        assert chromium.ask("document.querySelectorAll('.rows a.m').length") == MANY
        assert chromium.ask("document.querySelector('section.diagram').dataset.ready") == "yes"
        picture = chromium.screenshot(tmp_path / "many.png")
    assert len(set(picture)) > 100, "the page is blank"


def test_the_diagram_by_keyboard(chromium: Chromium, evening: Web) -> None:
    chromium.open(evening.address + "/session/1")
    chromium.ask("document.querySelector('.diagram .scroll').focus()")
    told = "document.activeElement.closest('a.m')?.dataset.frame"
    for key, frame in (
        ("ArrowDown", "1"), ("ArrowDown", "2"), ("ArrowDown", "3"), ("ArrowUp", "2"),
        ("End", "74"), ("Home", "1"),
    ):  # fmt: skip
        chromium.press(key)
        assert chromium.ask(told) == frame
    assert chromium.ask("document.querySelectorAll('.rows a.m[tabindex=\"0\"]').length") == 1
    chromium.press("Enter")
    chromium.wait("Page.loadEventFired")
    assert chromium.ask("location.pathname") == "/frame/1"


def test_zooming(chromium: Chromium, evening: Web) -> None:
    chromium.open(evening.address + "/session/1")
    width = "document.querySelector('.diagram svg.rows').getBoundingClientRect().width"
    first = chromium.ask(width)
    chromium.ask("document.querySelector('[data-zoom=in]').click()")
    assert chromium.ask(width) == pytest.approx(first * 1.25, abs=2)
    heads = "document.querySelector('.diagram svg.heads').width.baseVal.value"
    assert chromium.ask(heads) == pytest.approx(chromium.ask(width), abs=2)
    chromium.ask("document.querySelector('.diagram .scroll').focus()")
    for _ in range(15):
        chromium.press("-")
    tall = chromium.ask("document.querySelector('svg.rows').getBoundingClientRect().height")
    assert tall < 400, "all rows are seen at once"
    assert chromium.ask(width) > first / 2, "and their lanes are still told apart"
    assert chromium.ask("document.querySelector('svg.rows').classList.contains('far')")
    chromium.press("0")
    box = chromium.ask("document.querySelector('.diagram .scroll').clientWidth")
    assert chromium.ask(width) <= box
    assert chromium.noted == []


def test_the_table_says_what_the_diagram_says(chromium: Chromium, evening: Web) -> None:
    chromium.open(evening.address + "/session/1")
    arrows = "[...document.querySelectorAll('.rows a.m')].map(a => a.dataset.frame)"
    lines = "[...document.querySelectorAll('table.messages tbody tr[id]')].map(r => r.id.slice(1))"
    assert chromium.ask(arrows) == chromium.ask(lines)
    named = (
        "[...document.querySelectorAll('.rows a.m > title')].every(t => t.textContent.length > 20)"
    )
    assert chromium.ask(named)
    assert chromium.ask("document.querySelector('svg.rows').getAttribute('aria-label').length") > 20


@pytest.mark.parametrize("target", ["/", "/session/1", "/frame/8", "/frame/2"])
def test_a_screen_reader_finds_its_way(chromium: Chromium, evening: Web, target: str) -> None:
    chromium.open(evening.address + target)
    assert chromium.ask("document.documentElement.lang") == "en"
    assert chromium.ask("document.querySelectorAll('h1').length") == 1
    assert chromium.ask("document.querySelectorAll('main, nav[aria-label]').length") == 2
    double = (
        "(ids => ids.filter((id, i) => ids.indexOf(id) != i))"
        "([...document.querySelectorAll('[id]')].map(e => e.id))"
    )
    assert chromium.ask(double) == []
    unnamed = (
        "[...document.querySelectorAll('input:not([type=hidden])')]"
        ".filter(i => !i.labels.length).length"
    )
    assert chromium.ask(unnamed) == 0
    headless = "[...document.querySelectorAll('table')].filter(t => !t.caption || !t.tHead).length"
    assert chromium.ask(headless) == 0
    nowhere = (
        "[...document.querySelectorAll('a[href^=\"#\"]')]"
        ".filter(a => !document.getElementById(a.getAttribute('href').slice(1))).length"
    )
    assert chromium.ask(nowhere) == 0


def test_fields_and_bytes_light_each_other(chromium: Chromium, evening: Web) -> None:
    chromium.open(evening.address + "/frame/8")
    lit = "[...document.querySelectorAll('.lit')].map(e => e.textContent.trim())"
    chromium.point("#raw1")  # the bytes of NAME
    shown = chromium.ask(lit)
    assert "64 72 69 76 65 72 34 38" in shown
    assert "driver48" in shown
    assert any(one.startswith("NAME") for one in shown)
    chromium.point("h1")
    assert chromium.ask(lit) == []
    chromium.ask("document.querySelector('#f2').focus()")  # the row of TOS
    shown = chromium.ask(lit)
    assert "31" in shown
    assert any(one.startswith("TOS") for one in shown)
    assert len(shown) == 3
    chromium.ask("document.querySelector('#f3 a').focus()")  # its link to the bytes
    assert any(one.startswith("PASS") for one in chromium.ask(lit))


def test_keys_lead_from_frame_to_frame(chromium: Chromium, evening: Web) -> None:
    chromium.open(evening.address + "/frame/8")
    for key, path in (("a", "/frame/9"), ("r", "/frame/8"), ("n", "/frame/9"), ("p", "/frame/8")):
        chromium.press(key)
        chromium.wait("Page.loadEventFired")
        assert chromium.ask("location.pathname") == path


def test_nothing_is_asked_of_anybody_else(chromium: Chromium, evening: Web) -> None:
    for target in ("/", "/session/1", "/frame/8", "/recording", "/recording/frames"):
        chromium.open(evening.address + target)
        asked = [one for one in chromium.requests if not one.startswith("data:")]
        assert asked
        assert all(one.startswith(evening.address + "/") for one in asked), asked


@pytest.mark.parametrize("target", ["/", "/session/1", "/frame/8"])
def test_everything_that_is_used_has_a_name(chromium: Chromium, evening: Web, target: str) -> None:
    chromium.open(evening.address + target)
    nodes = chromium.call("Accessibility.getFullAXTree")["nodes"]
    used = [
        node
        for node in nodes
        if not node.get("ignored")
        and node.get("role", {}).get("value")
        in ("link", "button", "textbox", "searchbox", "region", "navigation", "table")
    ]
    assert len(used) > 5
    nameless = [node["role"]["value"] for node in used if not node.get("name", {}).get("value")]
    assert nameless == []
