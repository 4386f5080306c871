"""Names of people for comparison."""

import unicodedata


def plain(text: str) -> str:
    """A name for comparison: one form of accents, no invisible marks, single spaces, no capitals."""
    visible = "".join(char for char in unicodedata.normalize("NFC", text) if unicodedata.category(char) != "Cf")
    return " ".join(visible.split()).casefold()


def squashed(text: str) -> str:
    """Letters and digits only, small: how Canvas writes a name into the names of downloaded files."""
    return "".join(char for char in plain(text) if char.isalnum())
