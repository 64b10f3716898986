"""What strangers may write into texts, labels, names and columns, and what a page must then look like."""

from __future__ import annotations

import re
from pathlib import Path

from bs4 import BeautifulSoup
from report_pages import page

PAYLOADS = (
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</text></svg><script>alert(2)</script>",
    "]]><foreignObject><iframe src=javascript:alert(1)>",
    "{{ 7 * 7 }}{% for x in ().__class__.__mro__ %}",
    'id="common" url(#clip1) &lt;b&gt; &#60;b&#62;',
    "javascript:alert(1) =cmd|'/c calc'!A1 <!-- --> <base href=//evil>",
)
DISTURBING = "\u202egnp.\u2066\x1b[31m\x00\x9b\u2028"
TAGS = re.compile(
    "html|head|meta|title|style|body|main|header|nav|section|article|figure|figcaption|div|p|span|bdi|b|h[1-4]"
    "|ul|li|a|table|thead|tbody|tr|th|td|details|summary|blockquote|mark|dl|dt|dd|code|pre"
    "|svg|g|path|line|text|rect|defs|clippath|lineargradient|stop"
)
LEADING = ("href", "src", "xlink:href", "srcset")


def checked(path: Path) -> BeautifulSoup:
    """A page on which everything is text: no tag, handler, address or control character that we did not write."""
    source, soup = path.read_text("utf-8"), page(path)
    strange = {tag.name for tag in soup.find_all(True) if not TAGS.fullmatch(tag.name)}
    assert not strange
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    for tag in soup.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on")]
        found = [name for name in tag.attrs if name in LEADING]
        if found:  # only the table of contents leads anywhere: to a section of the page
            assert (tag.name, found) == ("a", ["href"])
            assert tag["href"].startswith("#")
            assert tag["href"][1:] in ids
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028]", source)
    return soup
