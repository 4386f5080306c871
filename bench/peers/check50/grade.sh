# check50, "Writing check50 checks", section "Developing locally": --dev takes checks from a folder, and is the only way
# that needs no repository of GitHub. check50, "Running check50", section "json": results for a program. The student's
# folder is the current one.
here=$PWD
for folder in submissions/*/; do
  (cd "$folder" && check50 --dev "$here/checks" -o json --output-file "$here/results/$(basename "$folder").json") || exit 1
done
