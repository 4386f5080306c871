# nbgrader, "Creating and grading assignments", section "Autograde assignments": one command for the class.
exec nbgrader autograde one_step
