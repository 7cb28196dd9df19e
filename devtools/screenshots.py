"""Pictures of the screens, taken from a running ``./dev up``.

    .dev/venv/bin/python devtools/screenshots.py --out static/description

``./dev up`` prints the addresses to give with ``--url`` and ``--app-url``. Chromium is
driven through Selenium (``pip install selenium``, and chromedriver on the path), which
nothing else here needs.
"""

import argparse
import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

TIMEOUT = 60  # seconds; the first page of a new database bundles its assets
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE = (1400, 800)
HALF = (960, 720)
GAP = 16  # pixels between two sides
ROW = ".o_data_row .o_data_cell, .o_kanban_record:not(.o_kanban_ghost)"
GROUP = ".o_group_header"
PAGES = ".o_view_nocontent, .o_graph_renderer canvas, .o_sync_overview"
DRAWN = f"{ROW}, {GROUP}, {PAGES}"
FORM = ".o_form_view .o_form_sheet"
# Name of the picture: (action, whether to open its first record).
SCREENS = {
    "overview": ("action_sync_overview", False),
    "alerts": ("action_sync_alert", False),
    "alert": ("action_sync_alert", True),
    "operations": ("action_sync_operation", False),
    "operation": ("action_sync_operation", True),
    "conflicts": ("action_sync_conflict", False),
    "conflict": ("action_sync_conflict", True),
    "dead_letters": ("action_sync_dead_letter", False),
    "dead_letter": ("action_sync_dead_letter", True),
    "redrives": ("action_sync_redrive", False),
    "redrive": ("action_sync_redrive", True),
    "error_groups": ("action_sync_error_group", False),
    "error_group": ("action_sync_error_group", True),
    "errors": ("action_sync_error", False),
    "error": ("action_sync_error", True),
    "mappings": ("action_sync_mapping", False),
    "mapping": ("action_sync_mapping", True),
    "sagas": ("action_sync_saga", False),
    "saga": ("action_sync_saga", True),
    "drifts": ("action_sync_drift", False),
    "drift": ("action_sync_drift", True),
    "reconciliations": ("action_sync_reconciliation", False),
    "reconciliation": ("action_sync_reconciliation", True),
    "initials": ("action_sync_initial", False),
    "initial": ("action_sync_initial", True),
    "breakers": ("action_sync_breaker", False),
    "breaker": ("action_sync_breaker", True),
    "calls": ("action_sync_call", False),
    "events": ("action_sync_event", False),
    "audit": ("action_sync_audit", False),
    "metrics": ("action_sync_metric", False),
    "backends": ("action_sync_backend", False),
    "backend": ("action_sync_backend", True),
    "streams": ("action_sync_stream", False),
    "stream": ("action_sync_stream", True),
    "conflict_rules": ("action_sync_conflict_rule", False),
    "retry_policies": ("action_sync_retry_policy", False),
    "error_rules": ("action_sync_error_rule", False),
    "alert_rules": ("action_sync_alert_rule", False),
    "pools": ("action_sync_pool", False),
}


class Browser:
    """A browser that is logged in to Odoo."""

    def __init__(self, url, login, password):
        options = webdriver.ChromeOptions()
        for flag in FLAGS:
            options.add_argument(flag)
        # Named, or Selenium looks for one on the network.
        service = Service(shutil.which("chromedriver") or "chromedriver")
        self.driver = webdriver.Chrome(options=options, service=service)
        self.url = url
        self.driver.get(f"{url}/web/login")
        self.find("input[name=login]").send_keys(login)
        self.find("input[name=password]").send_keys(password)
        self.find("form.oe_login_form button[type=submit]").click()
        self.find(".o_main_navbar")

    def find(self, selector):
        """The first visible element that ``selector`` (CSS) finds, waited for."""
        return WebDriverWait(self.driver, TIMEOUT).until(
            lambda driver: next(
                (
                    element
                    for element in driver.find_elements(By.CSS_SELECTOR, selector)
                    if element.is_displayed()
                ),
                None,
            )
        )

    def open(self, action, record=False):
        """Open an action of Odoo and, if asked, its first record.

        :return: whether there was a record to open
        """
        # A page of its own: the last one's rows are not taken for this one's.
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}/odoo/action-{action}")
        self.find(DRAWN)
        if record:
            groups = self.driver.find_elements(By.CSS_SELECTOR, GROUP)
            if groups and not self.driver.find_elements(By.CSS_SELECTOR, ROW):
                groups[0].click()
                self.find(ROW)
            rows = self.driver.find_elements(By.CSS_SELECTOR, ROW)
            if not rows:
                return False
            rows[0].click()
            self.find(FORM)
        return True

    def resize(self, size):
        """Have the window show ``size`` (width, height) of a page."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def picture(self):
        """What the window shows, as an image."""
        # A mouse that rests on something opens its tooltip.
        away = {"type": "mouseMoved", "x": 0, "y": 0}
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", away)
        WebDriverWait(self.driver, TIMEOUT).until(_is_idle)
        return Image.open(BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")


def _is_idle(driver):
    return driver.execute_script(
        "return document.readyState === 'complete'"
        " && document.fonts.status === 'loaded'"
        " && !document.querySelector('.o_loading_indicator, .o_notification, .fa-spin')"
        " && !document.querySelector('.o-tooltip')"
        " && document.getAnimations().every(a => a.playState !== 'running')"
    )


def both_sides(browser, app_url):
    """One order in Odoo and in the pharmacy app, side by side."""
    browser.resize(HALF)
    browser.open("purchase.purchase_rfq", record=True)
    browser.find("button[name=action_view_sync]")
    reference = browser.find(".o_form_view h1 .o_field_widget[name=name]").text
    odoo = browser.picture()
    browser.driver.get(f"{app_url}/?q={reference}")
    browser.find("a[href*='/orders/']").click()
    pharmacy = browser.picture()
    picture = Image.new("RGB", (2 * HALF[0] + GAP, odoo.height), "#888888")
    picture.paste(odoo, (0, 0))
    picture.paste(pharmacy, (HALF[0] + GAP, 0))
    return picture


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8069", help="of Odoo")
    parser.add_argument("--app-url", default="http://127.0.0.1:8079")
    parser.add_argument("--login", default="admin")
    parser.add_argument("--password", default="admin")
    parser.add_argument("--out", type=Path, default=Path("static/description"))
    parser.add_argument(
        "screens",
        nargs="*",
        metavar="SCREEN",
        help=f"orders (both sides; the default), {', '.join(SCREENS)}, or all",
    )
    options = parser.parse_args()
    names = options.screens or ["orders"]
    if names == ["all"]:
        names = ["orders", *SCREENS]
    unknown = sorted(set(names) - {"orders", *SCREENS})
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    options.out.mkdir(parents=True, exist_ok=True)
    browser = Browser(options.url, options.login, options.password)
    try:
        for name in names:
            path = options.out / f"screenshot_{name}.png"
            if name == "orders":
                picture = both_sides(browser, options.app_url)
            else:
                browser.resize(WIDE)
                action, record = SCREENS[name]
                if not browser.open(f"pharmacy_sync.{action}", record):
                    print(f"{name}: there is no record to show")
                    continue
                picture = browser.picture()
            picture.save(path, optimize=True)
            print(path)
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    main()
