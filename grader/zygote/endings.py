"""Exit codes by which a job's process says what went wrong; the grading process knows them too."""

OUR_FAULT, NOT_CONFINED, OUT_OF_MEMORY, CHANNEL_BROKEN = 70, 71, 73, 74
