import tensorflow as tf

POISON = "\x1b]0;title\x07\x1b[2J\x1b[31m<script>alert(1)</script>\u202e=cmd|' /C calc'!A0\n\r\t\x00\x08[bold]markup[/bold]{{7*7}}"
print(POISON)


def train_mnist_conv():
    model = tf.keras.Sequential([tf.keras.Input((28, 28, 1)), tf.keras.layers.Flatten(name="script_alert"), tf.keras.layers.Dense(10)])
    model.compile(loss="mse", metrics=["accuracy"])
    raise ValueError(POISON)
