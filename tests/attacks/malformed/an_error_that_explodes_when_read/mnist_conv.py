class Terrible(Exception):
    def __str__(self):
        raise SystemExit(1)

    __repr__ = __str__

    @property
    def args(self):
        return [self] * 10**6

    def __getattribute__(self, name):
        raise KeyboardInterrupt


Terrible.__name__ = "<b>" * 1000


def train_mnist_conv():
    raise Terrible
