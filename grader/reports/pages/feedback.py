"""What a student gets: public information only, as a page and as Markdown.

Of a hidden check there are its title and the first line of its message. Other students, flags, what was printed (the
inputs that were drawn may stand in it) and how the sandbox saw the run are left out.
"""

import re

from markupsafe import Markup, escape

from grader.model.result import Result, Verdict
from grader.reports import standing
from grader.reports.pages.curves import closeness, curve_figure, curve_lines
from grader.reports.pages.exhibit import Exhibit
from grader.reports.pages.render import annotated, number, render
from grader.reports.pages.visible import clear, in_one_line
from grader.reports.pages.wording import LANGUAGES, Words

MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&$])")
UNSEEN = "\u200b"
"""Between a sign and a name or number, so that sites which call people (`@name`) or link issues (`#1`) do not."""
MARKS = {"passed": "✓", "failed": "✗", "skipped": "–", "error": "!"}


def feedback_page(exhibit: Exhibit, language: str = "en") -> str:
    """The student's page."""
    words = LANGUAGES[language]
    lines = curve_lines(exhibit, words)
    verdicts = [public(verdict, words) for verdict in exhibit.result.checks]
    return render(
        "feedback.html",
        language="zh-Hans" if language == "zh" else language,
        skip=words.skip,
        exhibit=exhibit,
        result=exhibit.result,
        title=_title(exhibit),
        words=words,
        message=clear(public_message(exhibit.result, words)),
        verdicts=verdicts,
        linked=_clear,
        standing=standing.LANGUAGES[language],
        total=standing.addition(exhibit.result, standing.LANGUAGES[language]),
        remarks=standing.remarks(exhibit.result, standing.LANGUAGES[language]),
        cells=annotated(exhibit, verdicts, words),
        notebook=exhibit.source is not None and exhibit.source.kind == "notebook",
        lines=lines,
        figure=curve_figure(exhibit, lines, words) if lines else "",
        closeness=closeness(exhibit, words),
    )


def _clear(text: str) -> Markup:
    """A message as text; places in it lead nowhere here, since remarks stand at them."""
    return escape(clear(text))


def feedback_markdown(exhibit: Exhibit, language: str = "en") -> str:
    """The same for posting: without figure and layers."""
    words, sums, result = LANGUAGES[language], standing.LANGUAGES[language], exhibit.result
    score = words.no_score if result.score is None else number(result.score)
    parts = [
        f"# {_plain(_title(exhibit))}",
        f"{_plain(result.student)}: **{score}** {words.of.format(number(result.max_score))}",
    ]
    if result.needs_review:
        parts.append(f"> {words.person}")
    message = public_message(result, words)
    if message:
        parts.append(f"> {_plain(message)}")
    items = [_item(public(verdict, words), words, sums) for verdict in result.checks]
    parts.append(f"## {words.checks}\n\n" + "\n".join(items))
    lines = standing.addition(result, sums)
    found = [_plain(sentence) for sentence in standing.remarks(result, sums)]
    if len(lines) > 1:
        found.insert(0, "; ".join(f"{_plain(line.label)}: **{line.value}**" for line in lines))
    if found:
        parts.append(f"## {words.standing}\n\n" + "\n".join(f"- {sentence}" for sentence in found))
    sentences = closeness(exhibit, words)
    if sentences:
        parts.append(f"## {words.training}\n\n" + " ".join(sentences))
    if result.notes:
        items = [
            f"- {f'{_plain(note.where)}: ' if note.where else ''}{_plain(note.text)}" for note in result.notes[:100]
        ]
        parts.append(f"## {words.notes}\n\n" + "\n".join(items))
    return "\n\n".join(parts) + "\n"


def public(verdict: Verdict, words: Words) -> Verdict:
    """A verdict as its student may see it; what broke on our side may quote the check, and is not theirs to read."""
    if verdict.status == "error":
        return verdict.model_copy(update={"message": words.ours})
    if verdict.hidden:
        return verdict.model_copy(update={"message": in_one_line(verdict.message.strip().split("\n")[0])})
    return verdict


def public_message(result: Result, words: Words) -> str:
    """Why the program was not run to its end; what only concerns the instructor is left out."""
    if result.status == "error":
        return words.ours
    return result.message if result.status != "graded" else ""


def _title(exhibit: Exhibit) -> str:
    if exhibit.assignment is not None:
        return exhibit.assignment.title
    return exhibit.observation.assignment if exhibit.observation else exhibit.result.path


def _item(verdict: Verdict, words: Words, sums: standing.Words) -> str:
    """A check as an item of a list."""
    word = words.partly if verdict.status == "failed" and verdict.points > 0 else getattr(words, verdict.status)
    word = words.waits if verdict.waits else word
    word += f", {words.extra}" if verdict.extra else ""
    points = f"{number(verdict.points)}/{number(verdict.max_points)}"
    lines = [f"- {MARKS[verdict.status]} **{points}** {word}: {_plain(verdict.title)}"]
    lines += [_plain(verdict.message)] if verdict.message else []
    lines += [_plain(standing.by_hand(verdict.override, sums))] if verdict.override else []
    return "\\\n  ".join(lines)


def _plain(text: str) -> str:
    """Text of others in one line of Markdown that neither marks up, nor links, nor calls anybody."""
    escaped = MARKDOWN.sub(r"\\\1", in_one_line(text, 1_000))
    escaped = re.sub(r"[@#]", lambda sign: sign[0] + UNSEEN, escaped)
    return re.sub(r"(?i)\b(?:https?|ftp|mailto|xmpp)(?=:)|\bwww(?=\.)", lambda word: word[0] + "\\", escaped)
