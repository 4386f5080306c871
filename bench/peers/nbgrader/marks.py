"""The scores in the gradebook, through nbgrader's own interface to it."""

import json

from nbgrader.api import Gradebook  # type: ignore[import-not-found]

with Gradebook("sqlite:///gradebook.db") as gradebook:
    submissions = gradebook.assignment_submissions("one_step")
    print(json.dumps({item.student.id: item.score / item.max_score for item in submissions}))
