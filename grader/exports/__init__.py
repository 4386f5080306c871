"""Results in the formats of other programs: gradebooks, course platforms, CI.

One module per format; each one's docstring names the source of the format. `FORMATS` lists them.
"""

from grader.exports.formats import FORMATS, Format
from grader.exports.request import Export, LeftOut, Request

__all__ = ["FORMATS", "Export", "Format", "LeftOut", "Request"]
