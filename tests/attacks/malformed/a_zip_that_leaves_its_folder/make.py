import stat
import zipfile
from pathlib import Path


def make(folder: Path) -> None:
    """Write the archive."""
    with zipfile.ZipFile(folder / "mnist_conv.zip", "w") as archive:
        archive.writestr("../../../planted.py", "planted = True")
        archive.writestr("/tmp/planted.py", "planted = True")
        link = zipfile.ZipInfo("mnist_conv.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
