"""What is grave in a page for those who do not see, hear or point as others do, as axe finds it."""

from pathlib import Path

from playwright.sync_api import Page

from tests.react.building import need_packages

PACKAGES = Path(__file__).parents[1] / "dashboard"

SOURCE = PACKAGES / "node_modules" / "axe-core" / "axe.min.js"

GRAVE = ("serious", "critical")


def faults(page: Page, *rules: str) -> list[str]:
    """Return what is serious or critical in *page* as it stands, by some *rules* or all; skip the
    test without axe.
    """
    need_packages(PACKAGES)
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(SOURCE.read_text())
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
    return [
        f"{each['id']}: {[node['html'] for node in each['nodes']]}"
        for each in found
        if each["impact"] in GRAVE
    ]
