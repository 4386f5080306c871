# 卷积神经网络识别手写数字
import tensorflow as tf


def train_mnist_conv():
    class MyCallback(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs={}):
            # 准确率够高就停
            if logs.get('accuracy') >= 0.998:
                print("\n训练准确率已达到99.8%，停止训练！")
                self.model.stop_training = True

    callbacks = MyCallback()

    # 读数据
    mnist = tf.keras.datasets.mnist
    (train_x, train_y), (test_x, test_y) = mnist.load_data()
    train_x = train_x.reshape((-1, 28, 28, 1)) / 255.0
    test_x = test_x.reshape((-1, 28, 28, 1)) / 255.0

    # 建模型
    model = tf.keras.models.Sequential([
        tf.keras.layers.Conv2D(32, (3, 3), activation='relu', input_shape=(28, 28, 1)),
        tf.keras.layers.MaxPooling2D(2, 2),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(128, activation='relu'),
        tf.keras.layers.Dense(10, activation='softmax')
    ])

    model.compile(optimizer='adam',
                  loss='sparse_categorical_crossentropy',
                  metrics=['accuracy'])
    history = model.fit(train_x, train_y, epochs=20, callbacks=[callbacks])
    return history.epoch, history.history['accuracy'][-1]
