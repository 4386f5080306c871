"""A wheel of plain files: a zip file as the specification of binary distributions has it (PEP 427, version 1.0).

The same files make the same wheel, byte for byte.
"""

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Mapping

from grader import __version__
from grader.errors import SetupError

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file can say."""
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")


def module_of(name: str) -> str:
    """The name of the module of a distribution; SetupError if it cannot be one."""
    module = re.sub(r"[-_.]+", "_", name).lower()
    if not _NAME.fullmatch(name) or not module.isidentifier() or module == "grader":
        raise SetupError(f"--name {name}: expected a name for a package, such as course-assignments. Choose another.")
    return module


def make_wheel(name: str, version: str, files: Mapping[str, bytes], summary: str, group: str) -> tuple[str, bytes]:
    """The name and the bytes of a wheel.

    Args:
        name: of the distribution.
        version: as Python's packages write it, such as 1.0.
        files: by path below the package's module.
        summary: one line.
        group: of the entry point that names the module.
    """
    module = module_of(name)
    if not _VERSION.fullmatch(version):
        raise SetupError(f"--version {version}: expected a version such as 1.0 or 2026.9. Choose another.")
    info = f"{module}-{version}.dist-info"
    whole = {f"{module}/{path}": content for path, content in files.items()}
    whole[f"{info}/METADATA"] = "\n".join(
        ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Summary: {' '.join(summary.split())}", ""]
    ).encode()
    whole[f"{info}/WHEEL"] = "\n".join(
        ["Wheel-Version: 1.0", f"Generator: grader {__version__}", "Root-Is-Purelib: true", "Tag: py3-none-any", ""]
    ).encode()
    whole[f"{info}/entry_points.txt"] = f"[{group}]\n{module} = {module}\n".encode()
    record = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in sorted(whole.items())]
    whole[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    return f"{module}-{version}-py3-none-any.whl", _zipped(whole)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """All files, those about the distribution last, as the specification recommends."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files, key=lambda path: (".dist-info/" in path, path.endswith("RECORD"), path)):
            entry = zipfile.ZipInfo(path, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[path])
    return buffer.getvalue()
