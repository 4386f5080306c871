# What no tool can do without: a new Python imports TensorFlow and the hand-in, and calls the function.
for folder in students/*/; do
  (cd "$folder" && python -c 'import json, mnist_conv; print("\n" + json.dumps(mnist_conv.train_mnist_conv()))' > out.txt) || exit 1
done
