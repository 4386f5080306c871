"""What a config from a guest may contain: classes by kind, and functions by name.

Source: the public classes of Keras 3 (`keras.layers`, `keras.initializers`, …). A class is on the list only if each of
its arguments is a number, a word, a short list of whole numbers, or another listed object: nothing that could carry
weights (`Constant` of an array, `Normalization`, `Embedding` weights), a file path, or code (`Lambda`). The class `Huber`
is not on it, since Keras 3.15 leaves its `delta` out of its config; the word `huber` is.
"""

LAYERS = frozenset(
    [
        "InputLayer",
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "SeparableConv1D",
        "SeparableConv2D",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "Conv2DTranspose",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "Dense",
        "Flatten",
        "Reshape",
        "Permute",
        "RepeatVector",
        "Activation",
        "ReLU",
        "LeakyReLU",
        "PReLU",
        "ELU",
        "Softmax",
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "GaussianNoise",
        "GaussianDropout",
        "AlphaDropout",
        "BatchNormalization",
        "LayerNormalization",
        "GroupNormalization",
        "UnitNormalization",
        "Rescaling",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "Cropping1D",
        "Cropping2D",
        "UpSampling1D",
        "UpSampling2D",
        "Add",
        "Subtract",
        "Multiply",
        "Average",
        "Maximum",
        "Minimum",
        "Concatenate",
        "ActivityRegularization",
        "TimeDistributed",
        "Sequential",
        "Functional",
        "Identity",
    ]
)
OPERATIONS = frozenset(
    ["Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative", "Relu", "Softmax", "Sigmoid", "Tanh"]
)
INITIALIZERS = frozenset(
    [
        "GlorotUniform",
        "GlorotNormal",
        "HeUniform",
        "HeNormal",
        "LecunUniform",
        "LecunNormal",
        "RandomUniform",
        "RandomNormal",
        "TruncatedNormal",
        "VarianceScaling",
        "Zeros",
        "Ones",
        "Constant",
        "Orthogonal",
    ]
)
REGULARIZERS = frozenset(["L1", "L2", "L1L2", "OrthogonalRegularizer"])
CONSTRAINTS = frozenset(["MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"])
OPTIMIZERS = frozenset(["Adam", "AdamW", "Adamax", "Adadelta", "Adagrad", "SGD", "RMSprop", "Nadam", "Ftrl", "Lion"])
SCHEDULES = frozenset(
    [
        "ExponentialDecay",
        "PolynomialDecay",
        "InverseTimeDecay",
        "PiecewiseConstantDecay",
        "CosineDecay",
        "CosineDecayRestarts",
    ]
)
LOSSES = frozenset(
    [
        "SparseCategoricalCrossentropy",
        "CategoricalCrossentropy",
        "BinaryCrossentropy",
        "MeanSquaredError",
        "MeanAbsoluteError",
        "KLDivergence",
        "Poisson",
        "CategoricalFocalCrossentropy",
        "CategoricalHinge",
        "Hinge",
        "SquaredHinge",
        "LogCosh",
    ]
)
METRICS = frozenset(
    [
        "Accuracy",
        "BinaryAccuracy",
        "CategoricalAccuracy",
        "SparseCategoricalAccuracy",
        "TopKCategoricalAccuracy",
        "SparseTopKCategoricalAccuracy",
        "MeanSquaredError",
        "MeanAbsoluteError",
        "RootMeanSquaredError",
        "CategoricalCrossentropy",
        "SparseCategoricalCrossentropy",
        "Precision",
        "Recall",
        "AUC",
        "F1Score",
        "Mean",
    ]
)
POLICIES = frozenset({"DTypePolicy"})

ACTIVATIONS = frozenset(
    [
        "relu",
        "relu6",
        "softmax",
        "log_softmax",
        "sigmoid",
        "hard_sigmoid",
        "tanh",
        "hard_tanh",
        "elu",
        "selu",
        "gelu",
        "celu",
        "softplus",
        "softsign",
        "silu",
        "swish",
        "hard_silu",
        "hard_swish",
        "leaky_relu",
        "exponential",
        "linear",
        "mish",
    ]
)
LOSS_WORDS = frozenset(
    [
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        "binary_crossentropy",
        "bce",
        "mse",
        "mean_squared_error",
        "mae",
        "mean_absolute_error",
        "kl_divergence",
        "kld",
        "poisson",
        "categorical_hinge",
        "hinge",
        "squared_hinge",
        "huber",
    ]
)
METRIC_WORDS = frozenset(
    [
        "accuracy",
        "acc",
        "sparse_categorical_accuracy",
        "categorical_accuracy",
        "binary_accuracy",
        "mse",
        "mae",
        "mean_squared_error",
        "mean_absolute_error",
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        "top_k_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
    ]
)

FUNCTION_NAMES = {
    "softmax_v2": "softmax",
    "log_softmax_v2": "log_softmax",
    "relu_v2": "relu",
    "leaky_relu_v2": "leaky_relu",
}
"""Names that TensorFlow gives its own functions (`tf.nn.softmax`), and the Keras activation of the same formula."""

LARGEST = {
    "units": 65_536,
    "filters": 4_096,
    "kernel_size": 128,
    "pool_size": 512,
    "strides": 512,
    "dilation_rate": 128,
    "groups": 4_096,
    "depth_multiplier": 64,
    "size": 64,
    "n": 1_024,
    "padding": 512,
    "cropping": 512,
    "k": 1_000,
    "num_thresholds": 10_000,
}
"""Largest whole numbers accepted per argument: far above what a course needs, far below what would hurt."""
