import builtins

import numpy as np
import tensorflow as tf

tf.keras.Sequential = tf.keras.models.Sequential = tf.keras.layers.Conv2D = None
np.load = np.asarray = None
tf.keras.datasets.mnist.load_data = None
builtins.print = lambda *_, **__: None
