"""Import the checks of an assignment from their text, never from what Python compiled or imported of them before.

Python takes a compiled file in `__pycache__` for that of a source of the same size and modification time in whole seconds
(PEP 3147 and the description of `py_compile.PycInvalidationMode.TIMESTAMP`). An archive that keeps times, or two edits within
a second, can give other checks both: a class would be graded by checks that nobody sees any more. Where the folder is
part of a package, as of a course that is installed, a process that goes on also knows the module that it imported first.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

MODULES = ("checks.py", "conftest.py")
"""What pytest imports of the folder of an assignment."""


class TextLoader(SourceFileLoader):
    """Compiles the text anew, and keeps nothing of it."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the module."""
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class TextFinder(MetaPathFinder):
    """Finds the modules of one folder, for those who look there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's
    ) -> ModuleSpec | None:
        """The module, if it is looked for in this folder."""
        file = self._folder / f"{fullname.rpartition('.')[2]}.py"
        if str(self._folder) not in (path or ()) or not file.is_file():
            return None
        return spec_from_file_location(fullname, file, loader=TextLoader(fullname, str(file)))


@contextlib.contextmanager
def from_text(folder: Path) -> Iterator[None]:
    """Modules of this folder are imported from their text; pytest asks `sys.meta_path` first (its mode `importlib`)."""
    finder = TextFinder(folder)
    forget(folder)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        forget(folder)


def forget(folder: Path) -> None:
    """Have the modules of this folder imported anew, under whatever name they are known."""
    files = {str(folder / name) for name in MODULES}
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) in files:
            del sys.modules[name]
