# Otter, "Non-containerized Grading": `otter run` grades one notebook without Docker, and writes results.json. Otter
# Grade, which its documentation prefers, runs the same program in a new container for each notebook.
for notebook in submissions/*.ipynb; do
  otter run -a autograder.zip -o "results/$(basename "$notebook" .ipynb)" "$notebook" || exit 1
done
