"""What comes out of a stream is never markup, whatever it looks like: in a chunk, a key, a run id
or an error, as a list, a text or Markdown.
"""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.tab import Place, Tab, stream

pytestmark = pytest.mark.needs("chromium")

EVIL = "https://evil.invalid"

ATTACKS = [
    "<img src=x onerror=\"attacked='img'\">",
    "<script>attacked='script'</script>",
    "<svg onload=\"attacked='svg'\"><script>attacked='svg script'</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=\"attacked='mxss'\"></style></table>",
    f'<iframe srcdoc="<script>parent.attacked=1</script>" src="{EVIL}/frame"></iframe>',
    f'<link rel=stylesheet href="{EVIL}/a.css"><style>@import url({EVIL}/b.css)</style>',
    f"<base href='{EVIL}/'><meta http-equiv=refresh content='0;url={EVIL}/'>",
    f'<form action="{EVIL}/form"><button autofocus onfocus="attacked=1">Sign in</button></form>',
    f'<video src="{EVIL}/v"></video><object data="{EVIL}/o"></object><embed src="{EVIL}/e">',
    f'<p style="background:url({EVIL}/style)">styled</p>',
    f"![picture]({EVIL}/picture.png)",
    "[click](javascript:attacked='link') [data](data:text/html,<script>1</script>)",
    "<a href=\" javascript:attacked='anchor'\">anchor</a>",
    '<details open ontoggle="attacked=1">details</details>',
    "<div id=app class=trouble name=body>clobber</div>",
    f"[plain link]({EVIL}/link)",
    "[sign in as me](#/?token=stolen)",
    "\u202egnp.exe\u202c \u2028 \u0000 \ud7ff end",
]

HARMFUL = "script, iframe, object, embed, video, form[action], base, link, meta, style, input[form]"

NAME = "<img src=x onerror=\"attacked='name'\">\u202e"
"""Has no slash, so it may name a run or a stream."""


@pytest.fixture
def hostile(tab: Tab, place: Place, run: str) -> str:
    """The id of a run in which everything is hostile; it is looked at."""
    name = f"{run} {NAME}"[:120]
    values = [f"{attack}\n\n" for attack in ATTACKS]
    place.write(name, NAME, *values, {attack: attack for attack in ATTACKS})
    place.close(name, NAME, "failed", "".join(ATTACKS[:2]))
    tab.page.on("dialog", lambda dialog: tab.errors.append(f"dialog: {dialog.message}"))
    tab.open(stream(name, NAME), place.server.secret)
    expect(tab.page.locator("[data-index]").first).to_be_visible()
    return name


def check_unharmed(tab: Tab) -> None:
    """Check that nothing ran, and nothing is there that could have."""
    assert tab.page.evaluate("globalThis.attacked") is None
    assert tab.page.locator("#app").count() == 1
    assert tab.page.locator(f"#app :is({HARMFUL})").count() == 0
    names = "[...document.querySelectorAll('#chunks *')].flatMap((e) => e.getAttributeNames())"
    assert not [name for name in tab.page.evaluate(names) if name.startswith("on")]
    pictures = tab.page.locator("#app img").all()
    assert {picture.get_attribute("src") for picture in pictures} <= {"dashboard/icon.svg"}
    tab.check()


def test_names_and_errors_are_only_text(tab: Tab, hostile: str) -> None:
    expect(tab.page.locator(".reason").first).to_contain_text(ATTACKS[0])
    check_unharmed(tab)
    tab.page.get_by_role("navigation", name="Where you are").get_by_role("link").nth(1).click()
    expect(tab.page.get_by_role("rowheader")).to_contain_text("<img src=x")
    check_unharmed(tab)
    tab.page.get_by_role("searchbox", name="Search runs").fill("<img")
    expect(tab.page.get_by_role("navigation", name="Runs")).to_contain_text("<img src=x")
    check_unharmed(tab)


def test_chunks_in_a_list_are_only_text(tab: Tab, hostile: str) -> None:
    tab.page.get_by_role("button", name="First chunk").click()
    for index, attack in enumerate(ATTACKS[:4]):
        row = tab.page.locator(f"[data-index='{index}']")
        row.locator(".line").click()
        expect(row.locator("pre")).to_have_text(attack)
    tab.page.keyboard.press("Escape")
    tab.page.get_by_role("searchbox", name="Search chunks").fill("onerror")
    expect(tab.page.locator("mark").first).to_have_text("onerror")
    tab.page.get_by_role("button", name="Last chunk").click()
    last = tab.page.locator(f"[data-index='{len(ATTACKS)}']")
    last.locator(".line").click()
    expect(last.locator(".tree")).to_contain_text("<script>")
    check_unharmed(tab)


def test_chunks_as_text_are_only_text(tab: Tab, hostile: str) -> None:
    tab.page.get_by_role("button", name="Text", exact=True).click()
    text = tab.page.get_by_role("region", name="Chunks as text")
    for attack in ATTACKS[:10]:
        expect(text).to_contain_text(attack)
    check_unharmed(tab)


def test_markdown_is_sanitised_and_loads_nothing(tab: Tab, hostile: str) -> None:
    tab.page.get_by_role("button", name="Markdown").click()
    sheet = tab.page.get_by_role("region", name="Chunks as Markdown")
    expect(sheet).to_contain_text("sign in as me")
    # What would be loaded is told instead.
    expect(sheet).to_contain_text(f"{EVIL}/picture.png")
    links = sheet.locator("a[href]").all()
    assert f"{EVIL}/link" in [link.get_attribute("href") for link in links]
    for link in links:
        assert (link.get_attribute("href") or "").startswith(EVIL)
        assert link.get_attribute("target") == "_blank"
        assert {"noopener", "noreferrer"} <= set((link.get_attribute("rel") or "").split())
    check_unharmed(tab)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])
def test_markdown_attacks_fail_one_by_one_even_without_the_policy(
    browser: Browser, place: Place, run: str, guarded: bool
) -> None:
    """A block of HTML would hide those that stand after it, so each stands alone."""
    tab = Tab(browser, place.server.url, bypass_csp=not guarded)
    tab.open(token=place.server.secret)
    for number, attack in enumerate(ATTACKS):
        key = f"attack-{number:02}"
        place.write(run, key, "Before.\n\n", attack, "\n\nAfter.\n")
        tab.page.evaluate("(to) => { location.hash = to }", stream(run, key) + "?view=markdown")
        expect(tab.page).to_have_title(re.compile(key))
        sheet = tab.page.get_by_role("region", name="Chunks as Markdown")
        expect(sheet).to_contain_text("Before.")
        check_unharmed(tab)
    tab.context.close()
