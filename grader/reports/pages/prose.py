"""A student's Markdown as HTML that can do nothing.

nbconvert's reading of Markdown, with its mathematics, is used; what it writes is ours. HTML in the text is shown as text,
no address can be followed and no picture is loaded: addresses stand beside their words. What comes out is then held
against a closed list, tag by tag as it is spelled. Whatever is not on it makes the whole cell plain text.
"""

import html
import re
from functools import cache, lru_cache
from typing import Any

from markupsafe import Markup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from grader.reports.pages.visible import shortened, visible

LONGEST_CELL = 5_000
"""Characters of a cell that is read as Markdown; a longer one is plain text, since reading it may take too long."""
COSTLY = re.compile(r"\\[(\[]|\\begin|\|[ \t]*:?-")
"""What may begin mathematics or a table; for each, the rest of the cell is searched."""
MOST_COSTLY = 60
TAG = re.compile(
    r"</?(?:p|em|strong|del|code|pre|blockquote|ul|ol|li|dl|dt|dd|table|thead|tbody|tr|td|th|h[4-6])>|<br>|<hr>|</div>"
    r'|<ol start="[0-9]{1,9}">|<th scope="col">|<div class="scroll" tabindex="0" role="group" aria-label="table">'
)
ENTITY = re.compile(r"&(?:amp|lt|gt|quot|#39|#x27);")


class _Renderer(IPythonRenderer):
    """Writes the tags of the list, and no attribute that the text has a say in."""

    def link(self, text: str, url: str, title: str | None = None) -> str:  # noqa: ARG002 - its name
        """The words, and the address as text."""
        address = self._address(url)
        return address if text == address else f"{text} ({address})"

    def image(self, text: str, url: str, title: str | None = None) -> str:  # noqa: ARG002 - its name
        """What the picture is called, and where it would be."""
        address = "" if url.lower().startswith(("data:", "attachment:")) else f": {self._address(url)}"
        return f"[{text or '…'}{address}]"

    def _address(self, url: str) -> str:
        return _escaped(shortened(url, 300))

    def text(self, text: str) -> str:
        return _escaped(html.unescape(text))

    def codespan(self, text: str) -> str:
        return f"<code>{_escaped(text)}</code>"

    def block_code(self, code: str, info: str | None = None) -> str:  # noqa: ARG002 - its name
        return f"<pre><code>{_escaped(code)}</code></pre>\n"

    def inline_html(self, html: str) -> str:  # the name of the argument is the library's
        return _escaped(html)

    def block_html(self, html: str) -> str:
        return f"<p>{_escaped(html.strip())}</p>\n"

    def block_error(self, text: str) -> str:
        return f"<pre>{_escaped(text)}</pre>\n"

    def linebreak(self) -> str:
        return "<br>\n"

    def thematic_break(self) -> str:
        return "<hr>\n"

    def heading(self, text: str, level: int, **_: Any) -> str:
        """Below the heading of the cell."""
        return f"<h{min(level + 3, 6)}>{text}</h{min(level + 3, 6)}>\n"

    def list(self, text: str, ordered: bool, **attrs: Any) -> str:
        start = attrs.get("start")
        opening = f'<ol start="{start}">' if ordered and isinstance(start, int) else "<ol>" if ordered else "<ul>"
        return f"{opening}\n{text}</{'ol' if ordered else 'ul'}>\n"

    def task_list_item(self, text: str, checked: bool = False) -> str:
        return f"<li>{'☑' if checked else '☐'} {text}</li>\n"

    def table(self, text: str) -> str:
        return f'<div class="scroll" tabindex="0" role="group" aria-label="table"><table>\n{text}</table></div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:  # noqa: ARG002 - its name
        return f'<th scope="col">{text}</th>\n' if head else f"<td>{text}</td>\n"


def _escaped(text: str) -> str:
    """Text as HTML, with whatever cannot be seen written out."""
    return html.escape(visible(text))


@cache
def _markdown() -> MarkdownWithMath:
    return MarkdownWithMath(renderer=_Renderer(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True))


@lru_cache(maxsize=2_000)
def prose_html(text: str) -> Markup:
    """Markdown as HTML; as plain text where it is long, or where anything comes out that is not on the list.

    Kept, because most cells of a class are those of the handout.
    """
    if len(text) <= LONGEST_CELL and len(COSTLY.findall(text)) <= MOST_COSTLY:
        try:
            made = _markdown().render(visible(text))
        except Exception:  # noqa: BLE001 - a reader of Markdown is not to stop a report, whatever a student found in it
            made = "<"
        if is_harmless(made):
            return Markup(made)  # noqa: S704 - every tag and entity in it is on the list
    return Markup("<pre>{}</pre>").format(visible(shortened(text, 20_000)))


def is_harmless(made: str) -> bool:
    """Whether there is no tag and no entity but those of the list."""
    return not re.search("[<>&]", ENTITY.sub("", TAG.sub("", made)))
