"""The shipped data sets: what they are, and how they get onto a disk."""

import math
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import shipped
from grader.errors import SetupError
from tools import rebuild_datasets

PARTS = [(name, part) for name, parts in shipped.DATASETS.items() for part in parts]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def folder(home: Path) -> Path:
    return shipped.unpack(home)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one archive, of one small array, standing in for the shipped ones."""
    image = shipped.ARRAYS["ascent"]
    monkeypatch.setattr(shipped, "ARRAYS", {"ascent": image})
    monkeypatch.setattr(shipped, "DATASETS", {"ascent": ("image",)})
    archives = tmp_path / "shipped"
    archives.mkdir()
    shutil.copy(shipped.SHIPPED / "ascent.npz", archives)
    return archives


def test_three_data_sets_ship() -> None:
    """The data sets are MNIST and Fashion-MNIST with Keras's four parts, and one photograph."""
    four = ("x_train", "y_train", "x_test", "y_test")
    assert list(shipped.DATASETS.items()) == [("mnist", four), ("fashion_mnist", four), ("ascent", ("image",))]


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_array_is_what_the_checksums_say(name: str, part: str, folder: Path) -> None:
    """Every unpacked array has the dtype, shape and bytes written in checksums.toml."""
    shipped.verify(name, part, shipped.load(name, part, folder))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_images_and_labels_have_keras_shapes(name: str, folder: Path) -> None:
    """Both sets look as Keras's `load_data` returns them: 60,000 and 10,000 images of 28 x 28 bytes, ten classes."""
    x_train, y_train, x_test, y_test = (shipped.load(name, part, folder) for part in shipped.DATASETS[name])
    assert (x_train.shape, y_train.shape) == ((60_000, 28, 28), (60_000,))
    assert (x_test.shape, y_test.shape) == ((10_000, 28, 28), (10_000,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert set(np.unique(y_train)) == set(np.unique(y_test)) == set(range(10))


def test_first_digits_of_mnist(folder: Path) -> None:
    """Images and labels are in the order their authors published: 5 0 4 1 9 and 7 2 1 0 4."""
    assert shipped.load("mnist", "y_train", folder)[:5].tolist() == [5, 0, 4, 1, 9]
    assert shipped.load("mnist", "y_test", folder)[:5].tolist() == [7, 2, 1, 0, 4]


def test_loaded_array_is_mapped_and_read_only(folder: Path) -> None:
    """Processes share the pages of an array, and none can change them."""
    array = shipped.load("mnist", "x_train", folder)
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0, 0] = 1


@pytest.mark.parametrize(("name", "part"), [("cifar10", "x_train"), ("mnist", "image"), ("../mnist", "x_train")])
def test_unknown_array_is_refused(name: str, part: str, folder: Path) -> None:
    """A name that does not ship with grader is a mistake in the set-up, and the message lists those that do."""
    with pytest.raises(SetupError, match=r"expected one of mnist/x_train, .*ascent/image"):
        shipped.load(name, part, folder)


def test_folder_is_named_by_the_checksums(home: Path, folder: Path) -> None:
    """Other data would go to another folder: its name is the digest of checksums.toml."""
    assert folder == home / "datasets" / shipped.DIGEST
    assert len(shipped.DIGEST) == 16


def test_second_call_reuses_the_files(home: Path, folder: Path) -> None:
    """What is unpacked stays as it is."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")}
    assert shipped.unpack(home) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")} == before
    assert len(before) == len(PARTS)


def test_file_sizes_are_predicted_exactly(folder: Path) -> None:
    """The size of every file is known from dtype and shape, so that a short file is noticed without reading it."""
    for name, part in PARTS:
        facts = shipped.ARRAYS[name][part]
        assert (folder / name / f"{part}.npy").stat().st_size == 128 + math.prod(facts["shape"])


def test_two_processes_unpack_once(tmp_path: Path) -> None:
    """Processes that start together get the same whole folder; one unpacks, the other waits, nothing is left over."""
    program = (
        "import sys; from pathlib import Path; from grader.datasets import shipped\n"
        "unpack_all = shipped._unpack_all\n"
        "def counted(*arguments): print('unpacking'); unpack_all(*arguments)\n"
        "shipped._unpack_all = counted\n"
        "print(shipped.unpack(Path(sys.argv[1])))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0].split() for process in started]
    folder = tmp_path / "datasets" / shipped.DIGEST
    assert sorted(printed, key=len) == [[str(folder)], ["unpacking", str(folder)]]
    assert {path.name for path in folder.parent.iterdir()} == {".lock", shipped.DIGEST}
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.npy")) == sorted(
        f"{name}/{part}.npy" for name, part in PARTS
    )


def test_cut_file_is_unpacked_again(small: Path, tmp_path: Path) -> None:
    """A file that lost its end, as after a full disk, is replaced."""
    image = shipped.unpack(tmp_path, small) / "ascent" / "image.npy"
    image.chmod(0o644)
    os.truncate(image, 1000)
    shipped.verify("ascent", "image", shipped.load("ascent", "image", shipped.unpack(tmp_path, small)))


def test_left_over_of_a_killed_process_is_removed(small: Path, tmp_path: Path) -> None:
    """A folder half unpacked by a process that was killed is no obstacle and does not stay."""
    left_over = tmp_path / "datasets" / ".unpacking-abc"
    left_over.mkdir(parents=True)
    folder = shipped.unpack(tmp_path, small)
    assert {path.name for path in folder.parent.iterdir()} == {".lock", shipped.DIGEST}


@pytest.mark.parametrize("tenth", range(1, 10))
def test_damaged_archive_is_refused(tenth: int, small: Path, tmp_path: Path) -> None:
    """An archive with one byte of its data changed is refused by name, wherever the byte is, and nothing is kept."""
    content = bytearray((small / "ascent.npz").read_bytes())
    content[len(content) * tenth // 10] ^= 0xFF
    (small / "ascent.npz").write_bytes(content)
    with pytest.raises(SetupError, match="ascent"):
        shipped.unpack(tmp_path, small)
    assert {path.name for path in (tmp_path / "datasets").iterdir()} == {".lock"}


def test_other_pixels_are_refused(small: Path, tmp_path: Path) -> None:
    """A sound archive with one pixel changed is refused, and the message shows both checksums."""
    with np.load(small / "ascent.npz", allow_pickle=False) as arrays:
        image = arrays["image"]
    image[0, 0] += 1
    rebuild_datasets.write_archive(small / "ascent.npz", {"image": image})
    with pytest.raises(SetupError, match=r"ascent/image: expected sha256 c7777d46\w+, found \w+\. The shipped copy"):
        shipped.unpack(tmp_path, small)


def test_archive_without_the_array_is_refused(small: Path, tmp_path: Path) -> None:
    """An archive that lacks a part says which."""
    with zipfile.ZipFile(small / "ascent.npz", "w"):
        pass
    with pytest.raises(SetupError, match=r"image\.npy"):
        shipped.unpack(tmp_path, small)


def test_missing_archive_is_named(small: Path, tmp_path: Path) -> None:
    """Without its archive the data set cannot be had, and the message names the file."""
    (small / "ascent.npz").unlink()
    with pytest.raises(SetupError, match=r"ascent\.npz: expected the data set ascent, found no file"):
        shipped.unpack(tmp_path, small)


def test_home_that_is_a_file_is_a_mistake_in_the_set_up(small: Path, tmp_path: Path) -> None:
    """A place that cannot be written to is named, with the reason and what to do."""
    home = tmp_path / "home"
    home.touch()
    with pytest.raises(SetupError, match=r"home/datasets: .* choose another folder"):
        shipped.unpack(home, small)


@pytest.mark.parametrize("name", shipped.DATASETS)
def test_archive_is_lzma(name: str) -> None:
    """The archives are compressed with LZMA, and their members carry no date, so that they can be built again."""
    with zipfile.ZipFile(shipped.SHIPPED / f"{name}.npz") as archive:
        members = archive.infolist()
    assert [member.filename for member in members] == [f"{part}.npy" for part in shipped.DATASETS[name]]
    assert {member.compress_type for member in members} == {zipfile.ZIP_LZMA}
    assert {member.date_time for member in members} == {rebuild_datasets.OLDEST_DATE}


def test_archive_gives_its_arrays_back(tmp_path: Path) -> None:
    """What `write_archive` writes, NumPy reads; the same arrays make the same bytes."""
    arrays = {"a": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "b": np.array([0.5, np.nan])}
    first, second = (rebuild_datasets.write_archive(tmp_path / name, arrays) for name in ("1.npz", "2.npz"))
    with np.load(first, allow_pickle=False) as found:
        assert set(found) == {"a", "b"}
        np.testing.assert_array_equal(found["a"], arrays["a"], strict=True)
        np.testing.assert_array_equal(found["b"], arrays["b"], strict=True)
    assert first.read_bytes() == second.read_bytes()


def test_idx_file_is_read() -> None:
    """An IDX file states its axes big endian before its bytes."""
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
    assert rebuild_datasets.read_idx(content).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_idx_file_of_another_type_is_refused() -> None:
    """Only unsigned bytes (type 8) are expected."""
    with pytest.raises(SetupError, match="found 00 00 0d"):
        rebuild_datasets.read_idx(bytes([0, 0, 13, 1, 0, 0, 0, 1, 0, 0, 0, 0]))


def test_listed_image_is_read_without_unpickling() -> None:
    """A stream of lists of small integers gives the image; its opcodes are named, never carried out."""
    assert rebuild_datasets.read_listed_image(b"\x80\x02](](K\x01K\x02e](K\x03K\x04ee.").tolist() == [[1, 2], [3, 4]]


def test_stream_that_would_call_something_is_refused() -> None:
    """A stream that names `os.system` is refused at that opcode."""
    with pytest.raises(SetupError, match="found GLOBAL at byte 2"):
        rebuild_datasets.read_listed_image(b"\x80\x02cos\nsystem\n(U\x04trueR.")
