"""Small words of messages to students."""

from typing import Any

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def number(count: int) -> str:
    """Small numbers in words."""
    return WORDS[count] if 0 <= count < len(WORDS) else str(count)


def plural(word: str, count: int) -> str:
    """The word, with an s unless there is one."""
    return word if count == 1 else f"{word}s"


def short(value: Any) -> str:
    """A value in at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
