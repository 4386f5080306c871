"""dlai-grader, its README: the entry point of a grader, beside the grading logic.

The steps are those of the entry point that `dlai_grader --init` writes, without its messages for broken notebooks. The
folder that Coursera binds to /shared is `shared` here.
"""

from dlai_grader.compiler import compile_partial_module  # type: ignore[import-not-found]
from dlai_grader.config import Config, get_part_id  # type: ignore[import-not-found]
from dlai_grader.grading import compute_grading_score  # type: ignore[import-not-found]
from dlai_grader.io import copy_submission_to_workdir, read_notebook, send_feedback  # type: ignore[import-not-found]
from dlai_grader.notebook import keep_tagged_cells  # type: ignore[import-not-found]

from grader import handle_part_id

copy_submission_to_workdir(dir_origin="shared/submission/")
notebook = keep_tagged_cells()(read_notebook(Config().submission_file_path))
module = compile_partial_module(notebook, "learner_mod", verbose=False)
score, feedback = compute_grading_score(handle_part_id(get_part_id())(module)())
send_feedback(score, feedback, feedback_path="shared/feedback.json")
