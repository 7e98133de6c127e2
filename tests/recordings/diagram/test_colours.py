"""The colours can be read: contrast as WCAG 2.1 counts it, 4.5 to 1 for text."""

from __future__ import annotations

import re

import pytest

from recordings.diagram.picture import STYLE

TEXTS = ("ink", "dim", "up", "down", "push", "redirect", "wrong")
GROUNDS = ("paper", "band")


def palettes() -> dict[str, dict[str, str]]:
    found = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    ]
    assert len(found) == 2
    return {"light": found[0], "dark": found[1]}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_counted_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_stands_out(name: str) -> None:
    palette = palettes()[name]
    weak = {
        (text, ground): round(contrast(palette[text], palette[ground]), 2)
        for text in TEXTS
        for ground in GROUNDS
        if contrast(palette[text], palette[ground]) < 4.5
    }
    assert not weak


@pytest.mark.parametrize("name", ["light", "dark"])
def test_what_is_lit_can_be_read(name: str) -> None:
    palette = palettes()[name]
    weak = {
        text: round(contrast(palette[text], palette["lit"]), 2)
        for text in TEXTS
        if contrast(palette[text], palette["lit"]) < 4.5
    }
    assert not weak
