"""Label Studio's page in headless Chromium, as a reviewer uses it; clicks and keys are counted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, sync_playwright

from review.local_server import Credentials

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_PLACE = """(element, offset) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let last, node;
  while ((node = walker.nextNode())) if (node.textContent) last = node;
  const range = document.createRange();
  range.setStart(last, last.textContent.length - offset);
  range.setEnd(last, last.textContent.length - offset + 1);
  const box = range.getBoundingClientRect();
  return [box.right, (box.top + box.bottom) / 2];
}"""


_FIND = """(element, words) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let node;
  while ((node = walker.nextNode())) {
    const at = node.textContent.indexOf(words);
    if (at < 0) continue;
    const box = (from, to) => {
      const range = document.createRange();
      range.setStart(node, from);
      range.setEnd(node, to);
      return range.getBoundingClientRect();
    };
    const first = box(at, at + 1), last = box(at + words.length - 1, at + words.length);
    return [[first.right, (first.top + first.bottom) / 2], [last.left, (last.top + last.bottom) / 2]];
  }
}"""


class ReviewPage:
    """``clicks`` (a drag is one) and ``keys`` (a chord, or a word typed, is one) since the task was opened."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.clicks = self.keys = 0

    def log_in(self, who: Credentials) -> None:
        self.page.goto(f"{self.url}/user/login/")
        self.page.fill("input[name=email]", who.email)
        self.page.fill("input[name=password]", who.password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.url}/**")
        self.page.wait_for_load_state("networkidle")

    def open(self, project: int, task: int) -> None:
        self.page.goto(f"{self.url}/projects/{project}/data?task={task}")
        self.page.wait_for_selector(".htx-highlight")
        self.page.wait_for_load_state("networkidle")
        self.clicks = self.keys = 0

    def spans(self, region: str) -> Locator:
        """The highlighted pieces of a region, in the order of the text."""
        return self.page.locator(f'[class*="htx-highlight-{region}-"]')

    def words(self, region: str) -> str:
        """What is highlighted as the region, without its line ends, which the page draws and does not write."""
        return "".join(piece.text_content() or "" for piece in self.spans(region).all())

    def select(self, region: str) -> None:
        self._click(self.spans(region).first)
        self.page.wait_for_selector('[data-testid="textarea-control"]')

    def select_first_content(self) -> None:
        self._click(self.page.locator('.htx-highlight[data-label$="Content"]').first)
        self.page.wait_for_selector('[data-testid="textarea-control"]')
        self.page.wait_for_timeout(500)

    def drag_end(self, region: str, letters: int) -> None:
        """Moves the end of the selected region back, before its last ``letters``."""
        last = self.spans(region).last
        handle = last.locator("area.__resize_right")
        box = handle.bounding_box()
        assert box
        right, middle = last.evaluate(_PLACE, letters)
        mouse = self.page.mouse
        mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        mouse.down()
        mouse.move(right - 1, middle, steps=8)
        mouse.up()
        self.clicks += 1
        self.page.wait_for_timeout(300)

    def rename_speaker(self, name: str) -> None:
        """Of the selected content."""
        field = self.page.locator(".bar .row").first
        field.locator('[data-testid="htx-textbox-view"]').hover()
        self._click(field.locator('[data-testid="htx-textbox-edit-button"]'))
        self._press("Control+A")
        self.page.keyboard.type(name)
        self.keys += 1
        self._press("Enter")

    def draw(self, label: str, words: str) -> None:
        """Marks words of the article with the label of that hotkey."""
        self._press(label)
        box = self.page.locator(".lsf-htx-richtext").first.evaluate(_FIND, words)
        assert box, words
        (right, top), (left, bottom) = box
        self.page.mouse.move(right - 1, top)
        self.page.mouse.down()
        self.page.mouse.move(left + 1, bottom, steps=8)
        self.page.mouse.up()
        self.clicks += 1
        self.page.wait_for_timeout(300)

    def click(self, label: str) -> None:
        """The region of that number and label, as `4:Cue`."""
        self._click(self.page.locator(f'.htx-highlight[data-label="{label}"]').first)
        self.page.wait_for_timeout(300)

    def join(self, label: str) -> None:
        """The selected region with that one."""
        self._press("Alt+R")
        self.click(label)

    def skip(self) -> None:
        with self.page.expect_response(lambda answer: "/annotations" in answer.url and answer.request.method == "POST"):
            self._press("Control+Space")

    def open_stream(self, project: int) -> None:
        """As `Label All Tasks` does."""
        self.page.goto(f"{self.url}/projects/{project}/data?labeling=1")
        self.page.wait_for_selector(".htx-highlight")
        self.page.wait_for_load_state("networkidle")
        self.clicks = self.keys = 0

    def delete(self) -> None:
        """The selected region."""
        self._press("Backspace")

    def press(self, key: str) -> None:
        self._press(key)

    def submit(self) -> None:
        with self.page.expect_response(lambda answer: "/annotations" in answer.url and answer.request.method == "POST"):
            self._press("Control+Enter")

    def _click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1

    def _press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1


@contextmanager
def browser_page(url: str, width: int = 1500, height: int = 1000) -> Iterator[ReviewPage]:
    with sync_playwright() as playwright:
        options: dict[str, Any] = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}
        browser = playwright.chromium.launch(**options)
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(60_000)
            yield ReviewPage(page, url)
        finally:
            browser.close()


def save_picture(page: ReviewPage, file: Path) -> None:
    page.page.screenshot(path=str(file))
