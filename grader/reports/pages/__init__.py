"""Pages about a class and about one submission: one file each, without a request to anywhere.

Everything that students wrote comes in as text and is escaped by the templates. What a terminal or a browser would act
on (control characters, marks that turn the direction of writing) is shown by its name, so that nothing can hide or lie.
"""

from grader.reports.pages.exhibit import Curve, Exhibit, anonymised, anonymised_missing, anonymised_result
from grader.reports.pages.feedback import feedback_markdown, feedback_page
from grader.reports.pages.render import class_page, course_page, submission_page
from grader.reports.pages.similar import pair_page, similarity_page

__all__ = [
    "Curve",
    "Exhibit",
    "anonymised",
    "anonymised_missing",
    "anonymised_result",
    "class_page",
    "course_page",
    "feedback_markdown",
    "feedback_page",
    "pair_page",
    "similarity_page",
    "submission_page",
]
