from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from recordings.markup import Markup, escape, join, tag, trusted


def test_an_element() -> None:
    made = tag("a", "x", 1, None, [tag("b", "y"), " z"], href="/1", class_="c", data_frame=7)
    assert made == '<a href="/1" class="c" data-frame="7">x1<b>y</b> z</a>'


def test_attributes_that_are_not_there() -> None:
    assert tag("p", a=None, b=False, c=True, d=0) == '<p c="" d="0"></p>'


def test_elements_without_an_end() -> None:
    assert tag("br") == "<br>"
    assert tag("meta", name="viewport", content="x") == '<meta name="viewport" content="x">'


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b> & \"'") == "<p>&lt;b&gt; &amp; &quot;&#x27;</p>"
    assert tag("p", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;"></p>'
    assert tag("p", trusted("<b>")) == "<p><b></p>"
    assert join(["<", Markup("<i>")], "&") == "&lt;&amp;<i>"


def test_what_cannot_be_seen_is_shown() -> None:
    assert escape("\x1b[2J\u202e\0\n\ud800") == "\\x1b[2J\\u202e\\x00\\n\\ud800"


@given(st.text(), st.text())
def test_any_text_stays_text(child: str, attribute: str) -> None:
    made = tag("svg", tag("text", child), data_x=attribute)
    root = ElementTree.fromstring(made)  # refuses what XML does not allow
    assert [element.tag for element in root.iter()] == ["svg", "text"]
    assert list(root.attrib) == ["data-x"]
    if child.isprintable():
        assert (root[0].text or "") == child
