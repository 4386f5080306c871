# docs/how-to/grade-a-class.md: one command for the class, in the complete sandbox, as many jobs as there are cores.
export GRADER_ASSIGNMENTS="$PEER/assignments"
exec python -m grader grade submissions --assignment one_step
