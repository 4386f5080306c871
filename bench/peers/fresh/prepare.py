"""A folder for each student, with the module in it."""

import shutil
import sys

shutil.copytree(sys.argv[1], "students")
