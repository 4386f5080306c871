"""The one repair made to a notebook's JSON: commas before a closing bracket, left by editing it by hand."""

import re

_TOKEN = re.compile(
    r"""
    "[^"\\]*+ (?:\\.[^"\\]*+)*+ (?:"|\\?\Z)   # a string, or the rest of the text when it never closes
    | ,[,\s]*+                                # a run of commas
    """,
    re.VERBOSE | re.DOTALL,
)
"""Every match is consumed whole, so that the time is linear in the text."""


def without_trailing_commas(text: str) -> str:
    """JSON text without the commas that nothing follows but `]`, `}` or the end; strings stay as they are."""
    return _TOKEN.sub(_kept, text)


def _kept(match: re.Match[str]) -> str:
    token = match[0]
    follows = match.string[match.end() : match.end() + 1]
    if token.startswith('"') or follows not in ("]", "}", ""):
        return token
    return token.replace(",", "")
