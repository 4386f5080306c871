# Gradescope runs run_autograder once for each submission, in a new container; here it runs without one.
for folder in students/*/; do
  (cd "$folder" && sh run_autograder > results/stdout) || exit 1
done
