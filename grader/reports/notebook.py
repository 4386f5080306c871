"""Tables for the cells of a notebook: verdicts of one file, and a class.

They hold no script and no style sheet, since notebooks strip both; colours are those of the page around them, so that
they can be read on light and on dark ground. Everything is escaped, and what cannot be seen is written out.
"""

from collections.abc import Sequence

from jinja2 import Environment

from grader.model.result import Missing, Result
from grader.reports.console import lost_points
from grader.reports.pages.visible import clear

MARKS = {"passed": "✓ passed", "failed": "✗ failed", "skipped": "– skipped", "error": "! our error"}
EDGES = {"passed": "#2e9e5b", "failed": "#d64545", "skipped": "#8a8a8a", "error": "#b8860b"}
"""Beside the word that says the same."""
MACROS = """
{%- set table = "border-collapse: collapse; margin: 0.5em 0; max-width: 60em; color: inherit; background: none" -%}
{%- set cell = "text-align: left; vertical-align: top; padding: 0.3em 0.8em; white-space: normal; "
  ~ "border-bottom: 1px solid rgba(128, 128, 128, 0.4); color: inherit; background: none" -%}
"""
VERDICTS = (
    MACROS
    + """
<table style="{{ table }}">
<caption style="text-align: left; color: inherit; font-weight: bold; caption-side: top">{{ title|clear }}: {{ score }}</caption>
<thead><tr>{% for name in ("verdict", "points", "check") %}<th scope="col" style="{{ cell }}">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{%- for check in result.checks %}
<tr>
<td style="{{ cell }}; border-left: 4px solid {{ edges[check.status] }}; white-space: nowrap">{{ marks[check.status] }}</td>
<td style="{{ cell }}; white-space: nowrap">{{ "%g"|format(check.points) }} of {{ "%g"|format(check.max_points) }}</td>
<td style="{{ cell }}">{{ check.title|clear }}
{%- if check.message %}<div style="white-space: pre-wrap; opacity: 0.9; margin-top: 0.2em">{{ check.message|clear }}</div>{% endif %}</td>
</tr>
{%- endfor %}
</tbody>
</table>
{%- for text in below %}
<p style="margin: 0.2em 0; max-width: 60em; color: inherit; white-space: pre-wrap">{{ text|clear }}</p>
{%- endfor %}
"""
)
CLASS = (
    MACROS
    + """
<table style="{{ table }}">
<caption style="text-align: left; color: inherit; font-weight: bold; caption-side: top">{{ title|clear }}</caption>
<thead><tr>{% for name in ("student", "score", "status", "what cost points") %}<th scope="col" style="{{ cell }}">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{%- for result in results %}
<tr>
<td style="{{ cell }}">{{ result.student|clear }}</td>
<td style="{{ cell }}; white-space: nowrap">{{ score(result) }}</td>
<td style="{{ cell }}">{{ result.status }}{{ ", needs review" if result.needs_review }}</td>
<td style="{{ cell }}">{{ lost(result)|clear }}</td>
</tr>
{%- endfor %}
{%- for nobody in missing %}
<tr>
<td style="{{ cell }}">{{ nobody.student|clear }}</td>
<td style="{{ cell }}">–</td>
<td style="{{ cell }}">handed in nothing</td>
<td style="{{ cell }}"></td>
</tr>
{%- endfor %}
</tbody>
</table>
"""
)
MOST_ROWS = 200
"""Of a class: a notebook keeps its output."""

PAGES = Environment(autoescape=True)
PAGES.filters["clear"] = clear


def said_score(result: Result) -> str:
    """The score in words."""
    if result.score is None:
        return "no score, a person must look"
    return f"{result.score:g} of {result.max_score:g} points"


def verdict_table(title: str, result: Result, remarks: tuple[str, ...]) -> str:
    """Every verdict about one file, then notes and remarks."""
    notes = [f"Note ({note.where}): {note.text}" if note.where else f"Note: {note.text}" for note in result.notes]
    training = []
    if result.training is not None:
        accuracy = result.training.accuracy
        known = "" if accuracy is None else f", accuracy {accuracy:.5f}"
        training = [f"Training: {result.training.epochs} epochs{known}."]
    below = [text for text in (*notes, *training, result.message, *remarks) if text]
    template = PAGES.from_string(VERDICTS)
    return template.render(title=title, score=said_score(result), result=result, marks=MARKS, edges=EDGES, below=below)


def class_table(title: str, results: Sequence[Result], missing: Sequence[Missing] = ()) -> str:
    """One row per submission, then those who handed in nothing; of a large class only the first."""
    shown, nobody = results[:MOST_ROWS], missing[: max(MOST_ROWS - len(results), 0)]
    if len(shown) + len(nobody) < len(results) + len(missing):
        title = f"{title} (the first {MOST_ROWS} of {len(results) + len(missing)})"
    return PAGES.from_string(CLASS).render(
        title=title, results=shown, missing=nobody, score=said_score, lost=lost_points
    )
