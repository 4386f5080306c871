"""Assignment: three convolutions for handwritten digits.

Write between the lines `YOUR CODE STARTS HERE` and `YOUR CODE ENDS HERE`, and leave the rest as it is.
To try it at home:

    python -c "from mnist_cnn import train_mnist_cnn; print(train_mnist_cnn())"
"""

import tensorflow as tf
from tensorflow.keras import datasets, layers, models


def train_mnist_cnn():
    """Train on MNIST for ten epochs in batches of 1000; return the accuracy on the test images."""
    (train_images, train_labels), (test_images, test_labels) = datasets.mnist.load_data()

    # 1. Give the images a last axis for their one channel, and bring the pixels from 0...255 to 0...1. Do it with the
    #    60,000 training images and with the 10,000 test images.
    # YOUR CODE STARTS HERE
    pass
    # YOUR CODE ENDS HERE

    # 2. The network. Its base: three convolutions with 32, 64 and 64 filters of 3×3 and relu, and a pooling of 2×2
    #    after the first and after the second. On top: flat, a dense layer of 64 units with relu, ten outputs with
    #    softmax.
    # YOUR CODE STARTS HERE
    pass
    # YOUR CODE ENDS HERE

    # 3. Compile the model: optimizer adam, loss sparse_categorical_crossentropy, metric accuracy. Fit it for ten
    #    epochs, 1000 images at a time. Then evaluate it on the test images, and keep their accuracy
    #    as `test_accuracy`.
    # YOUR CODE STARTS HERE
    test_accuracy = None
    # YOUR CODE ENDS HERE

    return float(test_accuracy)


def parameters_per_layer(model):
    """How many parameters each layer of a network has, in order."""
    # 4. Return a list with one number for each layer of the model that is handed over, and 0 where there is
    #    nothing to learn.
    # YOUR CODE STARTS HERE
    pass
    # YOUR CODE ENDS HERE
