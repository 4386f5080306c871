def train_mnist_conv():
    world = {}
    world["world"] = world
    world["deep"] = []
    inner = world["deep"]
    for _ in range(100_000):
        inner.append([])
        inner = inner[0]
    world["wide"] = list(range(10**6))
    world["text"] = "x" * 10**7
    world["number"] = 10**4000
    return world, float("nan")
