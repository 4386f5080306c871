# dlai-grader, its README, sections "Grading" and "Debugging": in a new container for each submission, partId is set and
# `python entry.py` run. Here it runs without one.
for folder in students/*/; do
  (cd "$folder" && partId=one_step python entry.py) || exit 1
done
