"""The data sets that ship with grader, so that nothing is downloaded while student code runs."""
