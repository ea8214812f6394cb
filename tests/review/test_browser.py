"""The pages in a real Chromium: keyboard, marks, accessibility in light and dark, on a desk and on a tablet."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import word_playbook
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from store_calls import a_call, fill

from pipelines.store import Store, open_store
from pipelines.store.accounts import local_user, open_session
from pipelines.store.judging import Bench
from review.app import make_app, make_pages
from review.server import Served, serving
from review.visit import COOKIE, Workbench

pytestmark = pytest.mark.browser

CHROMIUM = Path(os.environ.get("DETECTOR_TEST_CHROMIUM", "/usr/bin/chromium"))
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
AXE = (Path(__file__).parent / "assets" / "axe-4.14.1.min.js").read_text(encoding="utf-8")
PAGES = ("queue", "calls/c1", "figures", "calibration", "appeals", "exports", "accounts", "trail", "mine", "login")
SIZES = {"desk": (1280, 800), "tablet": (820, 1180)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; where it is missing, tests fail in CI and say so elsewhere."""
    if not CHROMIUM.exists():
        complain = pytest.fail if os.environ.get("CI") else pytest.skip
        complain(f"{CHROMIUM} is missing: apt-get install chromium, or set DETECTOR_TEST_CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    """The served app's address and its store, with calls, one of them hostile."""
    store = open_store(str(tmp_path_factory.mktemp("site") / "review.db"))
    hostile = a_call("hostile", customer_name="<img src=x onerror=alert(1)>")
    words = hostile.turns[1].model_copy(
        update={"text": "<script>alert(1)</script> \u202e I wish \U0001f600 you gladly"}
    )
    turns = (hostile.turns[0], words, *hostile.turns[2:])
    fill(store, a_call("c1"), a_call("c2"), a_call("c3"), hostile.model_copy(update={"turns": turns}), share=1.0)
    playbook = word_playbook()
    workbench = Workbench(store=store, playbook=playbook, bench=Bench(playbook, "tests", 0.0), pages=make_pages())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = Served(make_app(workbench, hosts=("127.0.0.1",)), store, f"http://127.0.0.1:{port}")
    with serving(served, port=port) as address:
        yield address, store


def opened(browser: Browser, site: tuple[str, Store], path: str, **options: Any) -> Page:
    """Return a page of the app, opened as the local user; a script's error or a refused request fails the test."""
    address, store = site
    context = browser.new_context(base_url=address, **options)
    with store.writing() as connection:
        token = open_session(connection, local_user(connection).user_id)
    context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    page.on("dialog", lambda dialog: pytest.fail(f"hostile words ran: {dialog.message}"))
    page.goto(path)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_are_accessible_and_fit(browser: Browser, site: tuple[str, Store], scheme: str, size: str) -> None:
    """Axe finds nothing against WCAG 2.2 AA, nothing is wider than the window, and nothing comes from elsewhere."""
    width, height = SIZES[size]
    page = opened(
        browser, site, "/queue", color_scheme=scheme, viewport={"width": width, "height": height}, bypass_csp=True
    )
    elsewhere: list[str] = []
    page.on("request", lambda one: elsewhere.append(one.url) if not one.url.startswith(site[0]) else None)
    found = {}
    for path in PAGES:
        page.goto(f"/{path}")
        page.evaluate(AXE)
        told = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        faults = [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in told["violations"]]
        if faults or wide:
            found[path] = [*faults, *(["wider than the window"] if wide else [])]
    page.context.close()

    assert {} == found
    assert [] == elsewhere


def test_keyboard_is_enough(browser: Browser, site: tuple[str, Store]) -> None:
    """J moves on, 1 judges, u takes back, and nothing but the card changes its place."""
    page = opened(browser, site, "/calls/c1", viewport={"width": 1280, "height": 800})
    page.keyboard.press("j")
    card = page.locator(".decision.on")
    identifier, before = card.get_attribute("id"), card.bounding_box()

    page.keyboard.press("1")
    expect(page.locator(f"#{identifier} .event")).to_have_text("pending")
    after = page.locator(f"#{identifier}").bounding_box()
    pressed = page.locator(f"#{identifier} .correct").get_attribute("aria-pressed")
    page.keyboard.press("u")
    expect(page.locator(f"#{identifier} .state")).to_contain_text("Not judged yet")
    page.context.close()

    assert "true" == pressed
    assert before == after


def test_key_pressed_as_the_answer_arrives_is_heard(browser: Browser, site: tuple[str, Store]) -> None:
    """A verdict can be taken back from the moment its card shows it, before the browser draws it."""
    page = opened(browser, site, "/calls/c1")
    identifier = page.locator(".decision.on").get_attribute("id")
    page.evaluate(
        """() => new MutationObserver((_, watch) => {
          if (!document.querySelector("[data-undo]")) return;
          watch.disconnect();
          document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "u", bubbles: true}));
        }).observe(document.querySelector(".bench"), {childList: true, subtree: true})"""
    )
    with page.expect_response("**/undo"):
        page.keyboard.press("1")
    expect(page.locator(f"#{identifier} .state")).to_contain_text("Not judged yet")
    undone = page.locator(f"#{identifier} .correct").get_attribute("aria-pressed")
    page.context.close()

    assert "false" == undone


def test_answer_does_not_take_back_a_reviewer_who_moved_on(browser: Browser, site: tuple[str, Store]) -> None:
    """The next key judges the card moved to, also when the answer for the one before comes only then."""
    page = opened(browser, site, "/calls/c1")
    first = page.locator(".decision.on").get_attribute("id")
    answers: list[Route] = []

    def hold(answer: Route) -> None:
        answers.append(answer)

    page.route("**/verdict", hold)
    with page.expect_request("**/verdict"):
        page.keyboard.press("1")
    page.keyboard.press("j")
    moved = page.locator(".decision.on").get_attribute("id")
    answers[0].continue_()
    expect(page.locator(f"#{first} .event")).to_have_text("pending")
    chosen = page.locator(".decision.on").get_attribute("id")
    page.locator(f"#{first} [data-undo]").click()
    expect(page.locator(f"#{first} .state")).to_contain_text("Not judged yet")
    page.context.close()

    assert first != moved
    assert moved == chosen


def test_missed_words_are_selected_and_marked(browser: Browser, site: tuple[str, Store]) -> None:
    """M marks the selected words, counted in characters also behind an emoji; nothing hostile runs."""
    page = opened(browser, site, "/calls/hostile")
    expect(page.locator(".turn.agent .words").first).to_contain_text("<script>alert(1)</script>")
    page.evaluate(
        """() => {
          const words = document.querySelector(".turn.agent .words");
          const last = words.lastChild.nodeType === 3 ? words.lastChild : words.lastChild.firstChild;
          const at = last.data.indexOf("gladly");
          getSelection().setBaseAndExtent(last, at, last, at + 6);
        }"""
    )
    page.keyboard.press("m")
    page.locator("#missing select[name=behaviour]").select_option("apologise")
    page.locator("#missing button.primary").click()

    expect(page.locator(".chip.missed")).to_be_visible()
    expect(page.locator(".turn.agent mark", has_text="gladly")).to_have_text("gladly")
    page.context.close()


def test_stale_card_says_who_decided(browser: Browser, site: tuple[str, Store]) -> None:
    """Of two windows on one decision the second is told, and the first verdict stands."""
    one, two = opened(browser, site, "/calls/c2"), opened(browser, site, "/calls/c2")
    one.keyboard.press("1")
    expect(one.locator(".decision .event").first).to_have_text("pending")
    two.keyboard.press("3")

    expect(two.locator("[role=alert]")).to_contain_text("nothing was overwritten")
    expect(two.locator(".decision .correct").first).to_have_attribute("aria-pressed", "true")
    one.context.close()
    two.context.close()


def test_works_without_scripts(browser: Browser, site: tuple[str, Store]) -> None:
    """A verdict is given by plain forms too, and taken back."""
    page = opened(browser, site, "/calls/c3", java_script_enabled=False)
    page.locator(".decision .wrong_sense").first.click()

    expect(page.locator(".decision .event").first).to_have_text("pending")
    page.locator(".decision [data-undo]").first.click()
    expect(page.locator(".decision .state").first).to_contain_text("Not judged yet")
    page.context.close()


def test_card_and_note_stay_where_the_session_is_over(browser: Browser, site: tuple[str, Store]) -> None:
    """A verdict that is not taken leaves what was written, with a notice beside it, once however often it is tried."""
    page = opened(browser, site, "/calls/c3")
    card = page.locator(".decision.on")
    card.locator(".judge [name=note]").fill("sarcasm")
    page.context.clear_cookies()
    for _ in range(2):
        with page.expect_response("**/verdict"):
            card.locator(".wrong_sense").click()

    expect(card.locator("[role=alert]")).to_have_text("Log in first: nothing was done.")
    expect(card.locator(".judge [name=note]")).to_have_value("sarcasm")
    page.context.close()
