"""The data book: which arrays are the shipped ones, under which recipe, in which order.

Small data sets of the same form stand in for the shipped ones: 60 and 20 images, with ten digits.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from grader.model.observation import ArrayFacts
from grader.model.training import ArrayRef
from grader.training.arrays import PARTS, DataBook, is_pointwise, shuffled_order
from grader.wire.known import FILE, read_known
from grader.wire.recipes import IMAGE_RECIPES, LABEL_RECIPES, as_fed, content_digest, cook, fingerprint

Array = np.ndarray[Any, Any]
SETS = ("mnist", "fashion_mnist")
# A data book ends with the process, and its scratch folder with it.
pytestmark = pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small data sets."""
    place = tmp_path_factory.mktemp("datasets")
    rng = np.random.default_rng(5)
    for name in SETS:
        (place / name).mkdir()
        for part, count in zip(PARTS, (60, 60, 20, 20), strict=True):
            shape = (count, 28, 28) if part.startswith("x") else (count,)
            np.save(place / name / f"{part}.npy", rng.integers(0, 256 if part.startswith("x") else 10, shape, np.uint8))
    return place


@pytest.fixture
def book(folder: Path) -> DataBook:
    return DataBook(folder)


def shipped(folder: Path, part: str, name: str = "mnist") -> Array:
    return np.asarray(np.load(folder / name / f"{part}.npy"))


def reference(array: Array) -> ArrayRef:
    fed = as_fed(array)
    return ArrayRef(digest=content_digest(fed), dtype=str(fed.dtype), shape=fed.shape, original_dtype=str(array.dtype))


def facts(book: DataBook, x: Array, y: Array) -> tuple[ArrayFacts, ArrayFacts]:
    """What the book says of arrays after they have travelled where they must."""
    for array in (x, y):
        if not book.knows(reference(array)):
            assert book.accept(reference(array), as_fed(array))
    return book.facts(reference(x), reference(y))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("part", PARTS)
def test_shipped_arrays_need_not_travel(book: DataBook, folder: Path, name: str, part: str) -> None:
    """Every part under every recipe is known by its digest."""
    recipes = IMAGE_RECIPES if part.startswith("x") else LABEL_RECIPES
    assert all(book.knows(reference(recipe(shipped(folder, part, name)))) for recipe in recipes.values())


def test_shape_does_not_hide_a_shipped_array(book: DataBook, folder: Path) -> None:
    """Reshaped images are the same bytes, and known."""
    assert book.knows(reference(shipped(folder, "x_train").reshape(60, 28, 28, 1) / 255.0))


def test_digest_with_another_size_is_not_known(book: DataBook, folder: Path) -> None:
    """A guest that sends a shipped digest with an invented shape is asked for the array."""
    known = reference(shipped(folder, "x_train"))
    assert not book.knows(known.model_copy(update={"shape": (30, 28, 28)}))


def test_unknown_array_must_travel(book: DataBook) -> None:
    """An array of the student's own is not known before it was sent."""
    assert not book.knows(reference(np.arange(5.0)))


def test_an_array_that_travelled_is_known(book: DataBook) -> None:
    """After it was sent once, nobody is asked for it again."""
    array = np.arange(5.0)
    book.accept(reference(array), as_fed(array))
    assert book.knows(reference(array))


def test_an_array_that_several_programs_send_at_once_is_whole_for_each(book: DataBook) -> None:
    """A class holds the same images: whoever accepts them while another does must not find half a file."""
    together = Barrier(4)
    arrays = [np.full((2000, 28, 28), number, np.float32) for number in range(20)]

    def send(_: int) -> list[bool]:
        found = []
        for array in arrays:
            together.wait()
            known = reference(array)
            accepted = book.accept(known, array)
            kept = book.sent(known.key)
            found.append(accepted and kept is not None and bool((kept == array).all()))
        return found

    with ThreadPoolExecutor(4) as pool:
        assert [all(found) for found in pool.map(send, range(4))] == [True] * 4
    assert len(list(book._spool.iterdir())) == len(arrays)


@pytest.mark.parametrize(
    "sent", [np.arange(1, 6).astype("f4"), np.arange(5.0), np.arange(5).reshape(5, 1).astype("f4")]
)
def test_another_array_than_announced_is_not_accepted(book: DataBook, sent: Array) -> None:
    """Other values, another dtype or another shape than announced: refused, and still unknown."""
    announced = reference(np.arange(5.0))
    assert not book.accept(announced, sent)
    assert not book.knows(announced)


def test_trainer_gets_recipes_for_known_arrays(book: DataBook, folder: Path) -> None:
    """A known array is ordered by its name; what the trainer cooks from it has the digest that was announced."""
    images = shipped(folder, "x_train").reshape(60, 784) / 255.0
    table, sent = book.for_trainer([reference(images)])
    entry = table[reference(images).key]
    made = cook(entry["part"], entry["recipe"], shipped(folder, entry["part"], entry["dataset"]), tuple(entry["shape"]))
    assert (reference(made).digest, made.shape, sent) == (reference(images).digest, (60, 784), ())


def test_trainer_gets_an_unknown_array_once(book: DataBook) -> None:
    """An array used twice in a request is sent once, and comes out as it was accepted."""
    array = np.arange(5.0, dtype=np.float32)
    book.accept(reference(array), array)
    table, sent = book.for_trainer([reference(array), reference(array)])
    assert table == {reference(array).key: {"sent": 0}}
    assert [item.tolist() for item in sent] == [array.tolist()]


def test_table_of_digests_is_computed_once(folder: Path) -> None:
    """The digests lie beside the arrays: a second book reads them, and recognises the same."""
    DataBook(folder)
    before = (folder / "digests-blake3.json").stat().st_mtime_ns
    assert DataBook(folder).knows(reference(shipped(folder, "x_train")))
    assert (folder / "digests-blake3.json").stat().st_mtime_ns == before


def test_guests_know_the_shipped_images_as_programs_hold_them(folder: Path) -> None:
    """Their fingerprints stand beside the arrays, with the digests that the grading process knows."""
    book, known = DataBook(folder), read_known(folder)
    images = shipped(folder, "x_train")
    for held in (images, images / 255.0, images / 255, images.astype("float32") / 255.0, images.astype(float)):
        assert known[fingerprint(held)] == content_digest(as_fed(held))
        assert book.knows(reference(held))
    assert fingerprint(images / 256.0) not in known
    before = (folder / FILE).stat().st_mtime_ns
    DataBook(folder)
    assert (folder / FILE).stat().st_mtime_ns == before


def test_a_folder_that_cannot_be_written_only_costs_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data sets that were unpacked by somebody else, with an earlier version: they have digests and no fingerprints."""
    DataBook(folder)
    place = tmp_path / "datasets"
    shutil.copytree(folder, place)
    (place / FILE).unlink()

    def refuse(path: Path, target: Path) -> Path:
        raise PermissionError(13, f"Permission denied: {path}", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    assert DataBook(place).knows(reference(shipped(folder, "x_train")))
    assert read_known(place) == {}


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    """A guest then digests what it sees."""
    assert read_known(tmp_path) == {}


@pytest.mark.parametrize(
    ("recipe", "low", "high"), [("raw", 0, 255), ("raw_float", 0, 255), ("unit", 0, 1), ("unit_float32", 0, 1)]
)
def test_facts_of_shipped_images(book: DataBook, folder: Path, recipe: str, low: float, high: float) -> None:
    """Known images have a data set, a part, an order, and the range of their recipe."""
    x, _ = facts(book, IMAGE_RECIPES[recipe](shipped(folder, "x_train")), shipped(folder, "y_train"))
    found = (x.dataset, x.part, x.order, x.minimum, x.maximum)
    assert found == ("mnist", "x_train", "as_shipped", low, high)


def test_facts_of_shipped_labels(book: DataBook, folder: Path) -> None:
    """Known labels are named with their recipe."""
    _, y = facts(book, shipped(folder, "x_train"), np.eye(10)[shipped(folder, "y_train")])
    assert (y.dataset, y.part, y.recipe, y.order) == ("mnist", "y_train", "one_hot", "as_shipped")


def test_test_images_are_known_as_such(book: DataBook, folder: Path) -> None:
    """Whoever trains on the test images is found out."""
    x, y = facts(book, shipped(folder, "x_test"), shipped(folder, "y_test"))
    assert (x.part, y.part) == ("x_test", "y_test")


def test_images_scaled_in_another_way_are_recognised(book: DataBook, folder: Path) -> None:
    """Any rising function of the grey value keeps the images what they are; the range is measured."""
    x, _ = facts(book, shipped(folder, "x_train") / 127.5 - 1, shipped(folder, "y_train"))
    assert (x.dataset, x.part, x.recipe, x.order) == ("mnist", "x_train", "pointwise", "as_shipped")
    assert (x.minimum, x.maximum) == (-1.0, 1.0)


def test_shuffled_images_with_their_labels_are_recognised(book: DataBook, folder: Path) -> None:
    """Images and labels in one new order are the data set, shuffled."""
    order = np.random.default_rng(1).permutation(60)
    x, y = facts(book, shipped(folder, "x_train")[order] / 255.0, shipped(folder, "y_train")[order])
    assert (x.dataset, x.order, y.dataset, y.order) == ("mnist", "shuffled", "mnist", "shuffled")


def test_shuffled_images_with_labels_in_another_order_are_found_out(book: DataBook, folder: Path) -> None:
    """Labels that do not follow the images have no data set."""
    rng = np.random.default_rng(1)
    x, y = facts(book, shipped(folder, "x_train")[rng.permutation(60)], shipped(folder, "y_train")[rng.permutation(60)])
    assert (x.order, y.dataset) == ("shuffled", "")


def test_first_rows_are_a_part_of_the_set(book: DataBook, folder: Path) -> None:
    """A subset from the beginning is recognised, with its labels, as a part."""
    x, y = facts(book, shipped(folder, "x_train")[:30] / 255.0, shipped(folder, "y_train")[:30])
    assert (x.dataset, x.order, y.order) == ("mnist", "first_rows", "first_rows")


def test_other_images_have_no_data_set(book: DataBook) -> None:
    """Images of the student's own are measured, not named."""
    rng = np.random.default_rng(2)
    x, _ = facts(book, rng.uniform(0, 1, (60, 28, 28)), rng.integers(0, 10, 60))
    assert (x.dataset, x.part) == ("", "")
    assert 0 <= (x.minimum or 0) < (x.maximum or 0) <= 1


def test_images_of_another_size_have_no_data_set(book: DataBook) -> None:
    """Arrays that cannot be 28 x 28 images are not compared with any."""
    x, _ = facts(book, np.zeros((60, 5)), np.zeros(60))
    assert (x.dataset, x.minimum, x.maximum) == ("", 0.0, 0.0)


def test_original_dtype_is_kept(book: DataBook, folder: Path) -> None:
    """The facts say what the student passed before Keras cast it."""
    x, _ = facts(book, shipped(folder, "x_train") / 255.0, shipped(folder, "y_train"))
    assert (x.dtype, x.original_dtype) == ("float32", "float64")


GREY = np.arange(784, dtype=np.uint8).reshape(1, 784)


@pytest.mark.parametrize(
    ("flat", "same"),
    [
        (GREY / 255.0, True),
        ((GREY / 255.0) ** 2, True),
        (255.0 - GREY, False),
        (np.zeros((1, 784)), False),
        (np.where(np.arange(784) == 700, 0.0, GREY), False),
        (np.where(np.arange(784) == 700, np.nan, GREY), False),
    ],
    ids=["scaled", "squared", "inverted", "constant", "one_pixel_changed", "one_pixel_nan"],
)
def test_pointwise_means_a_rising_function_of_each_pixel(flat: Array, same: bool) -> None:
    """Scaling and gamma are the same images; inverting, erasing, or touching one pixel are not."""
    assert is_pointwise(flat.astype(np.float32), GREY) is same


def test_order_of_shuffled_rows_is_found() -> None:
    """The order leads from the shuffled rows to the shipped ones."""
    base = np.random.default_rng(3).integers(0, 256, (50, 784), np.uint8)
    order = np.random.default_rng(4).permutation(50)
    found = shuffled_order(base[order] / 255.0, base)
    assert found is not None
    assert found.tolist() == order.tolist()


@pytest.mark.parametrize("change", [0.004, 7.0, float("nan")])
def test_rows_that_are_not_all_there_have_no_order(change: float) -> None:
    """One changed pixel, one beyond the range, or a NaN, and the rows are not the shipped ones."""
    base = np.random.default_rng(3).integers(0, 255, (50, 784), np.uint8)
    flat = base[::-1] / 255.0
    flat[10, 10] += change
    assert shuffled_order(flat, base) is None


def test_images_that_programs_divide_are_noted_once(book: DataBook) -> None:
    """By names that there are; a program may say anything."""
    assert not book.divided
    book.note_divided(["mnist/x_test", "mnist/y_test", "no/x_train", "../x_test", ""])
    book.note_divided(["fashion_mnist/x_train", "mnist/x_test"])
    assert book.divided == ("fashion_mnist/x_train", "mnist/x_test")
