"""A replayed training leaves behind what a plain `model.fit` in a fresh process does, bit for bit."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from grader.cli import places
from grader.model.assignment import load_assignment
from grader.model.submission import Cell, Source, Submission
from grader.pipeline.grade import Grading
from grader.pipeline.settings import Settings
from grader.pipeline.watch import Silent
from grader.results.folder import ResultsFolder

PROGRAMS = Path(__file__).parent / "programs"
SHARED = (PROGRAMS / "shared.py").read_text()
SEED = 7

CASES = {
    "reference": "model = compiled(conv(8, 32))\nh = model.fit(x, y, epochs=3, verbose=0)",
    "dropout_and_sgd": """
model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(4, 5, activation="tanh"),
    keras.layers.AveragePooling2D(2), keras.layers.Flatten(), keras.layers.Dropout(0.3), keras.layers.Dense(10)])
model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["acc"])
h = model.fit(x, y, epochs=2, batch_size=50, verbose=0)""",
    "batch_normalisation_and_one_hot": """
model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(),
    keras.layers.ReLU(), keras.layers.MaxPooling2D(), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
y_test = keras.utils.to_categorical(y_test, 10)
h = model.fit(x, keras.utils.to_categorical(y, 10), epochs=2, verbose=0)""",
    "validation_split": "model = compiled(conv())\nh = model.fit(x, y, epochs=3, validation_split=0.25, verbose=0)",
    "validation_data_and_frequency": (
        "model = compiled(conv())\n"
        "h = model.fit(x, y, epochs=4, validation_data=(x_test, y_test), validation_freq=2, verbose=0)"
    ),
    "class_weight_without_shuffle": (
        "model = compiled(conv())\n"
        "h = model.fit(x, y, epochs=2, shuffle=False, class_weight={d: 1.0 + d / 10 for d in range(10)}, verbose=0)"
    ),
    "sample_weight_and_initial_epoch": (
        "model = compiled(conv())\n"
        "h = model.fit(x, y, epochs=4, initial_epoch=1, sample_weight=np.linspace(0.5, 1.5, len(x)), verbose=0)"
    ),
    "functional_with_two_branches": """
i = keras.Input((28, 28, 1))
a = keras.layers.MaxPooling2D()(keras.layers.Conv2D(2, 3, activation="relu", padding="same")(i))
b = keras.layers.AveragePooling2D(2)(keras.layers.Conv2D(2, 5, activation="relu", padding="same")(i))
c = keras.layers.Flatten()(keras.layers.Concatenate()([a, b]))
model = compiled(keras.Model(i, keras.layers.Dense(10, activation="softmax")(c)))
h = model.fit(x, y, epochs=2, verbose=0)""",
    "a_callback_stops": """
class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.stop_training = True
model = compiled(conv())
h = model.fit(x, y, epochs=6, callbacks=[Stop()], verbose=0)""",
    "early_stopping_restores_the_best_weights": """
model = compiled(conv(4, 8), keras.optimizers.Adam(0.05))
h = model.fit(x, y, epochs=6, validation_data=(x_test, y_test), verbose=0,
    callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True)])""",
    "learning_rate_schedules": """
model = compiled(conv(), keras.optimizers.Adam(0.01))
h = model.fit(x, y, epochs=4, verbose=0, callbacks=[
    keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else rate)])""",
    "plateau": """
model = compiled(conv(), keras.optimizers.Adam(0.01))
h = model.fit(x, y, epochs=5, verbose=0, callbacks=keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.3,
    patience=1, min_delta=0.2))""",
    "fitted_twice": """
model = compiled(conv())
first = model.fit(x, y, epochs=2, verbose=0)
h = model.fit(x, y, epochs=2, batch_size=64, verbose=0)""",
    "compiled_again": """
model = compiled(conv())
first = model.fit(x, y, epochs=1, verbose=0)
compiled(model, keras.optimizers.SGD(0.01))
h = model.fit(x, y, epochs=2, verbose=0)""",
    "stops_in_a_batch": """
class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 1 and batch == 10:
            self.model.stop_training = True
model = compiled(conv())
h = model.fit(x, y, epochs=4, callbacks=[Stop()], verbose=0)""",
    "hooks_in_order": """
before = []
class Watch(keras.callbacks.Callback):
    pass
for when in ("begin", "end"):
    for what in ("train", "epoch", "batch", "train_batch", "test", "test_batch", "predict", "predict_batch"):
        def hook(self, *args, _name=f"on_{what}_{when}", **keywords):
            logs = keywords.get("logs", args[-1] if args else None)
            number = args[0] if args and isinstance(args[0], int) else None
            before.append([_name, number, {k: float(v) for k, v in (logs or {}).items()} if isinstance(logs, dict) else None])
        setattr(Watch, f"on_{what}_{when}", hook)
model = compiled(conv())
h = model.fit(x, y, epochs=2, batch_size=320, validation_data=(x_test, y_test), callbacks=[Watch()], verbose=0)""",
    "a_callback_evaluates_and_predicts": """
before = []
class Look(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        before.append([float(v) for v in self.model.evaluate(x_test, y_test, verbose=0)])
        before.append(digest(self.model.predict(x_test, verbose=0)))
model = compiled(conv())
h = model.fit(x, y, epochs=2, callbacks=[Look()], verbose=0)""",
    "a_callback_list": """
class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1
model = compiled(conv())
wrapped = keras.callbacks.CallbackList([Stop()], add_history=True, model=model, epochs=4, steps=30)
h = model.fit(x, y, epochs=4, callbacks=wrapped, verbose=0)""",
    "a_quiet_callback_raises": """
class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            print(logs["no such key"])
model = compiled(conv())
try:
    model.fit(x, y, epochs=4, callbacks=[Stop()], verbose=0)
except KeyError:
    pass
h = model.history""",
    "fitted_again_after_a_quiet_stop": """
class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1
model = compiled(conv())
first = model.fit(x, y, epochs=5, callbacks=[Stop()], verbose=0)
before = [float(model.optimizer.iterations.numpy()), digest(model.get_weights()[0])]
h = model.fit(x, y, epochs=2, verbose=0)""",
    "tensors_and_odd_batches": """
model = compiled(conv())
h = model.fit(tf.constant(x, tf.float32), tf.constant(y), epochs=2, batch_size=37, verbose=0)""",
    "two_models": f"""
keras.utils.set_random_seed({SEED})
baseline = compiled(keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]))
before = left_behind(baseline, baseline.fit(x, y, epochs=2, verbose=0))
keras.utils.set_random_seed({SEED})
model = compiled(conv())
h = model.fit(x, y, epochs=2, verbose=0)""",
}


def program(body: str) -> str:
    """A student's program around the body of `main`."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"{SHARED}\n\ndef main():\n    global y_test\n{lines}\n    return [left_behind(model, h), locals().get('before')]\n"


def write_assignment(folder: Path) -> Path:
    """An assignment with one check that needs the training and never stops it."""
    place = folder / "replay"
    place.mkdir()
    (place / "assignment.toml").write_text(
        'id = "replay"\ntitle = "t"\nfiles = ["p"]\nentry_points = ["main"]\ngraded_fit = "all"\n'
        f"[training]\nthreshold = 1.0\nseeds = [{SEED}]\n"
    )
    (place / "probe.py").write_text('def probe(student, rng):\n    student.call("main")\n')
    (place / "checks.py").write_text(
        "from grader.judging import points\n\n@points(1)\ndef trained(training):\n    'It is trained.'\n"
    )
    return place


def run_plain(text: str, folder: Path, datasets: Path) -> Any:
    """What the program returns under plain Keras, in a process of its own."""
    path = folder / "program.py"
    path.write_text(text)
    command = [sys.executable, str(PROGRAMS / "plain_run.py"), str(path), str(SEED), str(datasets)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "RESULT " in done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.split("RESULT ")[1])


def run_replayed(texts: dict[str, str], folder: Path, datasets: Path) -> dict[str, Any]:
    """What the programs return when the grader has trained for them."""
    settings = Settings(datasets=datasets, store=None, jobs=2, exact=True)
    output = ResultsFolder(folder / "results")
    submissions = [
        Submission(
            student=name, path="p.py", digest=name, source=Source(kind="module", cells=(Cell(number=1, text=text),))
        )
        for name, text in texts.items()
    ]
    Grading(load_assignment(write_assignment(folder)), settings, output, Silent()).run(submissions)
    values = {}
    for name in texts:
        evidence = output.evidence(name)
        assert evidence is not None, output.read(name)
        seen = evidence.observation
        assert seen.claimed.calls, (name, seen.measured, seen.claimed, seen.stdout[-2000:], seen.stderr[-2000:])
        call = seen.claimed.calls[0]
        assert not call.error, (name, call.error)
        assert all(fit.played and fit.played.name == "run" for fit in seen.fits), (
            name,
            [(fit.refused, fit.missing, fit.played and fit.played.name) for fit in seen.fits],
        )
        values[name] = call.value
    return values


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All programs, replayed in one run."""
    texts = {name: program(body) for name, body in CASES.items()}
    return run_replayed(texts, tmp_path_factory.mktemp("replay"), places.datasets())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All programs under plain Keras, each in a fresh process of one thread, two at a time."""
    folders = {name: tmp_path_factory.mktemp("plain") for name in CASES}
    with ThreadPoolExecutor(2) as pool:
        values = pool.map(lambda name: run_plain(program(CASES[name]), folders[name], places.datasets()), CASES)
        return dict(zip(CASES, values, strict=True))


@pytest.mark.sandbox
@pytest.mark.training
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", CASES)
def test_replay_leaves_behind_what_plain_keras_does(name: str, replayed: dict[str, Any], plain: dict[str, Any]) -> None:
    """Logs, epochs, final weights, `evaluate` and `predict` are equal to the last bit."""
    assert replayed[name] == plain[name]
