"""The same network computed in fewer and cheaper steps: equal to Keras up to rounding, and much faster on one core.

A step of a small network on one thread goes mostly into three things: the gradient of max-pooling, which TensorFlow's
kernel searches for again; an optimizer of a dozen passes over the weights; and a convolution of images with one channel,
whose matrix products are too thin for its kernel. Here

- a convolution of the images themselves, followed by max-pooling, is one step: patches of the images are gathered once
  for each place of the pooling window, and bias and activation are applied to what is left after pooling, which
  changes nothing, since both keep the order of numbers;
- other max-poolings find their gradient by comparison with their output;
- the gradient of a wide dense layer is taken with its weights in the order in which they lie in memory;
- Adam is TensorFlow's own operation for it, one pass.

Only the *methods* of layers and of the optimizer are exchanged, after Keras has built them: variables, their order, their
initial values and all random numbers stay Keras's own. What is not known here stays as Keras has it. How far results
differ: `grader/judging/tolerance.py` and `tests/test_fused.py`.
"""

from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Tensor = Any
MOST_TAPS = 80
"""Largest kernel, height times width times channels, whose patches are gathered."""
MOST_PLACES = 9
"""Places in the window of a pooling that is computed place by place."""
WIDE = 512
"""Inputs of a dense layer from which on the order of its weights matters."""
PLAIN = (keras.layers.Rescaling, keras.layers.Reshape)
"""Layers that learn nothing."""


def fuse(model: Any) -> None:
    """Exchange the methods of a built model's layers where that is known to be faster."""
    taken = set()
    given_out = [tensor._keras_history.operation for tensor in model.outputs]
    for layer in model.layers:  # not those of nested models: what comes into these may have been learnt
        pool = pool_after(layer)
        if pool is not None and layer not in given_out and is_image_convolution(layer):
            fuse_convolution(layer, pool)
            taken.add(pool)
    for layer in flat(model):
        if type(layer) is keras.layers.MaxPooling2D and layer not in taken and is_plain_pool(layer):
            fuse_pooling(layer)
        elif is_wide_dense(layer):
            fuse_dense(layer)


def fuse_optimizer(optimizer: Any) -> None:
    """Let Adam update a variable in one pass."""
    plain = type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW)
    if plain and not optimizer.amsgrad and not optimizer.gradient_accumulation_steps:
        optimizer.update_step = MethodType(adam_step, optimizer)


def adam_step(self: Any, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
    """One update by Adam, with the formula of `keras.optimizers.Adam.update_step`."""
    index = self._get_variable_index(variable)
    step = tf.cast(self.iterations.value + 1, tf.float32)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=self._momentums[index].value.handle,
        v=self._velocities[index].value.handle,
        beta1_power=tf.pow(tf.constant(self.beta_1, tf.float32), step),
        beta2_power=tf.pow(tf.constant(self.beta_2, tf.float32), step),
        lr=tf.cast(learning_rate, tf.float32),
        beta1=self.beta_1,
        beta2=self.beta_2,
        epsilon=self.epsilon,
        grad=gradient,
    )


def flat(model: Any) -> Iterator[Any]:
    """All layers, those of nested models in their places."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from flat(layer)
        else:
            yield layer


# ── what may be exchanged ──


def is_usual(layer: Any) -> bool:
    """Whether a layer computes in float32 on channels that come last, and is used once."""
    return (
        layer.compute_dtype == "float32"
        and getattr(layer, "data_format", "channels_last") == "channels_last"
        and len(layer._inbound_nodes) == 1
    )


def is_plain_pool(pool: Any) -> bool:
    """Max-pooling by windows that lie side by side and inside the image."""
    return (
        is_usual(pool)
        and tuple(pool.strides) == tuple(pool.pool_size)
        and pool.padding == "valid"
        and 1 < np.prod(pool.pool_size) <= MOST_PLACES
        and all(isinstance(size, int) for size in pool.input.shape[1:])
        and all(size >= window for size, window in zip(pool.input.shape[1:3], pool.pool_size, strict=True))
    )


def pool_after(layer: Any) -> Any:
    """The max-pooling that is all that looks at a layer's output, or None."""
    nodes = layer._outbound_nodes
    if len(nodes) != 1 or not is_usual(layer):
        return None
    pool = nodes[0].operation
    return pool if type(pool) is keras.layers.MaxPooling2D and is_plain_pool(pool) else None


def is_image_convolution(layer: Any) -> bool:
    """A convolution of the network's input with a kernel that is small, and an activation that keeps order."""
    if type(layer) is not keras.layers.Conv2D or layer.activity_regularizer is not None:
        return False
    return (
        is_unlearnt(layer.input)
        and tuple(layer.strides) == tuple(layer.dilation_rate) == (1, 1)
        and layer.groups == 1
        and layer.padding in ("valid", "same")
        and layer.activation in (keras.activations.relu, keras.activations.linear)
        and int(np.prod(layer.kernel.shape[:3])) <= MOST_TAPS
        and all(isinstance(size, int) for size in layer.input.shape[1:])
    )


def is_unlearnt(tensor: Any) -> bool:
    """Whether a tensor is made of a model's input without learning, so that nobody needs a gradient of it."""
    before = tensor._keras_history.operation
    if type(before) is keras.layers.InputLayer:
        return True
    return type(before) in PLAIN and len(before._inbound_nodes) == 1 and is_unlearnt(before.input)


def is_wide_dense(layer: Any) -> bool:
    """A dense layer with many inputs, on a batch of vectors."""
    return (
        type(layer) is keras.layers.Dense
        and is_usual(layer)
        and len(layer.kernel.shape) == 2
        and len(layer.input.shape) == 2
        and int(layer.kernel.shape[0]) >= WIDE
    )


# ── what comes in their place ──


def fuse_convolution(layer: Any, pool: Any) -> None:
    """Convolution, pooling, bias and activation in one; the pooling layer hands its input on."""
    layer.call = convolution_with_pooling(layer, tuple(pool.pool_size))
    pool.call = hand_on


def hand_on(inputs: Tensor) -> Tensor:
    """The input itself."""
    return inputs


def convolution_with_pooling(layer: Any, window: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """The `call` of a convolution whose output is pooled at once."""
    (height, width), filters = layer.kernel_size, layer.filters
    relu = layer.activation is keras.activations.relu

    def call(inputs: Tensor) -> Tensor:
        images = padded(inputs, layer.kernel_size) if layer.padding == "same" else inputs
        rows, columns, channels = (int(size) for size in images.shape[1:])
        out_rows, out_columns = (rows - height + 1) // window[0], (columns - width + 1) // window[1]
        pixels = tf.transpose(tf.reshape(images, (-1, rows * columns * channels)))
        patches = []
        """For each place of the window (taps of the kernel, pooled positions x images)."""
        for place in np.ndindex(*window):
            positions = patch_positions(place, window, layer.kernel_size, (out_rows, out_columns), (columns, channels))
            patches.append(tf.reshape(tf.gather(pixels, tf.constant(positions)), (height * width * channels, -1)))

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def pooled(kernel: Tensor, bias: Tensor) -> tuple[Tensor, Any]:
            flat_kernel = tf.reshape(kernel, (-1, filters))
            found = [tf.matmul(patch, flat_kernel, transpose_a=True) for patch in patches]
            largest = found[0]
            for values in found[1:]:
                largest = tf.maximum(largest, values)
            biased = tf.nn.bias_add(largest, bias)
            output = tf.nn.relu(biased) if relu else biased

            def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
                left = tf.reshape(swapped(tf.reshape(upstream, (-1, out_rows * out_columns, filters))), (-1, filters))
                if relu:
                    left = tf.raw_ops.ReluGrad(gradients=left, features=output)
                of_bias = tf.reduce_sum(left, 0)
                parts = []
                for patch, values in zip(patches[:-1], found[:-1], strict=True):
                    mine = left * tf.cast(tf.equal(values, largest), tf.float32)  # of equal values the first has it all
                    parts.append(tf.matmul(patch, mine))
                    left = left - mine
                parts.append(tf.matmul(patches[-1], left))
                return tf.reshape(tf.add_n(parts), kernel.shape), of_bias

            by_image = swapped(tf.reshape(output, (out_rows * out_columns, -1, filters)))
            return tf.reshape(by_image, (-1, out_rows, out_columns, filters)), gradient

        bias = tf.convert_to_tensor(layer.bias) if layer.use_bias else tf.zeros(filters)
        return pooled(tf.convert_to_tensor(layer.kernel), bias)

    return call


def swapped(values: Tensor) -> Tensor:
    """The first two axes exchanged."""
    return tf.transpose(values, (1, 0, 2))


def padded(images: Tensor, kernel: tuple[int, int]) -> Tensor:
    """Zeros around images, as TensorFlow puts them for a convolution that keeps the size."""
    around = [[(size - 1) // 2, size - 1 - (size - 1) // 2] for size in kernel]
    return tf.pad(images, [[0, 0], *around, [0, 0]])


def patch_positions(
    place: tuple[int, ...],
    window: tuple[int, int],
    kernel: tuple[int, int],
    output: tuple[int, int],
    line: tuple[int, int],
) -> np.ndarray[Any, Any]:
    """Which pixels, numbered row by row with their channels, each tap of the kernel meets: taps first, then positions.

    Args:
        place: row and column in the pooling window.
        window: height and width of the pooling window.
        kernel: height and width of the kernel.
        output: rows and columns after pooling.
        line: columns and channels of the images.
    """
    columns, channels = line
    row_tap, column_tap, channel, row, column = np.ix_(*(range(size) for size in (*kernel, channels, *output)))
    rows = window[0] * row + place[0] + row_tap
    return np.asarray(
        ((rows * columns + window[1] * column + place[1] + column_tap) * channels + channel).reshape(-1), "i4"
    )


def fuse_pooling(pool: Any) -> None:
    """Max-pooling whose gradient is found by comparison; equal largest values share it."""
    high, wide = pool.pool_size

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def call(inputs: Tensor) -> tuple[Tensor, Any]:
        largest = tf.nn.max_pool2d(inputs, (high, wide), (high, wide), "VALID")
        rows, columns, channels = (int(size) for size in largest.shape[1:])

        def gradient(upstream: Tensor) -> Tensor:
            inside = inputs[:, : rows * high, : columns * wide]
            windows = tf.reshape(inside, (-1, rows, high, columns, wide, channels))
            hits = tf.cast(tf.equal(windows, largest[:, :, None, :, None, :]), tf.float32)
            share = tf.nn.avg_pool2d(tf.reshape(hits, tf.shape(inside)), (high, wide), (high, wide), "VALID")
            each = upstream / (share * (high * wide))
            found = tf.reshape(hits * each[:, :, None, :, None, :], tf.shape(inside))
            left_out = [
                [0, int(whole) - int(part)] for whole, part in zip(inputs.shape[1:3], inside.shape[1:3], strict=True)
            ]
            return tf.pad(found, [[0, 0], *left_out, [0, 0]]) if any(end for _, end in left_out) else found

        return largest, gradient

    pool.call = call


def fuse_dense(layer: Any) -> None:
    """A dense layer whose gradient for its inputs reads the weights row by row."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def product(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Any]:
        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            of_inputs = tf.transpose(tf.matmul(kernel, upstream, transpose_b=True))
            return of_inputs, tf.matmul(inputs, upstream, transpose_a=True)

        return tf.matmul(inputs, kernel), gradient

    def call(inputs: Tensor, training: bool | None = None) -> Tensor:  # noqa: ARG001 - as Keras calls it
        found = product(inputs, tf.convert_to_tensor(layer.kernel))
        if layer.bias is not None:
            found = tf.nn.bias_add(found, tf.convert_to_tensor(layer.bias))
        return layer.activation(found) if layer.activation is not None else found

    layer.call = call
