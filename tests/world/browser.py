"""A real Chromium at the pages of a test's own service: what it sees, what it clicks, what it complains of."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESK = (375, 812), (1440, 900)
SERIOUS = {"serious", "critical"}
ANSWERS_WITHIN_S = 60


@dataclass
class Sight:
    """A page that is open, with all that the browser complained of."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> int:
        """Opens a path and answers the status."""
        answer = self.page.goto(self.base + path, wait_until="load")
        assert answer is not None
        return answer.status

    @property
    def overflows(self) -> bool:
        """Whether the page is wider than the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    def barriers(self) -> list[str]:
        """What axe-core finds of serious barriers: the rule and where."""
        violations = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['html'][:200]}"
            for one in violations
            if one["impact"] in SERIOUS
            for node in one["nodes"][:3]
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of the machine, or Playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(playwright), args=list(OPTIONS))
        yield browser
        browser.close()


def _program(playwright: Playwright) -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or playwright.chromium.executable_path


class _Answer:
    """An answer that is closed once its last part is given, and not only when the server comes to it.

    Before Werkzeug 3.1 closes an answer it reads what the connection still has, which may last until the browser goes.
    """

    def __init__(self, parts: Iterable[bytes], closed: Callable[[], None]) -> None:
        self._parts, self._closed, self._is_open = parts, closed, True

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts
        self.close()

    def close(self) -> None:
        """Closes the app's own answer, once."""
        if self._is_open:
            self._is_open = False
            try:
                getattr(self._parts, "close", lambda: None)()
            finally:
                self._closed()


class _Answering:
    """An app, and whether all that it was asked has been answered.

    Who closes a browser does not wait for what its page has just asked; a request that goes on when the test's
    connections are closed would leave one of them open.
    """

    def __init__(self, app: Flask) -> None:
        self._app, self._open, self._changed = app, 0, threading.Condition()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._changed:
            self._open += 1
        try:
            return _Answer(self._app(environ, start_response), self._answered)
        except BaseException:
            self._answered()
            raise

    def _answered(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Returns once nothing is being answered."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, ANSWERS_WITHIN_S)


class _OnceAConnection(WSGIRequestHandler):
    """Closes each connection after its answer.

    On one that stays, Werkzeug 3.1 reads on after an answer, and takes what a quick browser asks next for the rest of
    what it was sent before.
    """

    protocol_version = "HTTP/1.0"


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The address at which the app answers while the block runs; at its end all that was asked is answered."""
    answering = _Answering(app)
    server = make_server("127.0.0.1", 0, answering, threaded=True, request_handler=_OnceAConnection)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        answering.wait()


@contextmanager
def sight(
    browser: Browser, base: str, size: tuple[int, int] = DESK, language: str = "zh", scale: int = 1
) -> Iterator[Sight]:
    """An empty page of that size, for a reader of that language, whose screen has ``scale`` dots to a pixel."""
    width, height = size
    locale = "zh-CN" if language == "zh" else "en-GB"
    viewport: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(viewport=viewport, locale=locale, device_scale_factor=scale, reduced_motion="reduce")
    opened = Sight(context.new_page(), base)
    note = opened.complaints.append
    opened.page.on("console", lambda said: note(said.text) if said.type in ("error", "warning") else None)
    opened.page.on("pageerror", lambda error: note(str(error)))
    try:
        yield opened
    finally:
        context.close()
