"""A browser for tests: Debian's chromium without a window, driven by Playwright, with the accessibility rules of axe-core.

What pages log, and what they ask the network for, is kept.
"""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

PROGRAM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PATIENCE_MILLISECONDS = 120_000
GRAVE = ("serious", "critical")
"""Of what axe-core finds, that which keeps people from using a page."""


class Browser:
    """One chromium with one page."""

    def __init__(self) -> None:
        assert PROGRAM is not None
        self.asked: list[str] = []
        """Addresses of all requests."""
        self.logged: list[str] = []
        """Console messages, errors that nobody caught, and what the policy refused."""
        self._playwright = sync_playwright().start()
        try:
            self._chromium = self._playwright.chromium.launch(executable_path=PROGRAM, args=QUIET)
            self.page = self._chromium.new_page()
        except BaseException:
            self._playwright.stop()
            raise
        self.page.set_default_timeout(PATIENCE_MILLISECONDS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.logged.append(message.text))
        self.page.on("pageerror", lambda error: self.logged.append(str(error)))

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chromium.close()
        self._playwright.stop()

    def open(self, path: Path, *, dark: bool = False, width: int = 1280, height: int = 900) -> None:
        """Show a file, and wait until it is loaded."""
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.set_viewport_size({"width": width, "height": height})
        self.asked.clear()
        self.logged.clear()
        self.page.goto(path.resolve().as_uri())

    def run(self, script: str) -> Any:
        """The value of a piece of JavaScript, promises awaited."""
        return self.page.evaluate(script)

    def press(self, *keys: str) -> None:
        """Press keys one after the other: names of keys, or characters."""
        for key in keys:
            self.page.keyboard.press(key)

    def barriers(self) -> list[str]:
        """What axe-core finds on the page that is serious or critical, with the element."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{item['id']}: {node['html'][:200]}" for item in found if item["impact"] in GRAVE for node in item["nodes"]
        ]
