"""The site: what its generated pages say, and the built pages as read without network."""

import html
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from scalinglib.report import claims
from scalinglib.report.paths import DATA, FIGURES
from tests.browser import needs_browser, open_browser
from tools import readme, site

needs_site = pytest.mark.skipif(
    not site.is_current(), reason="build/site is not built, or older than what it shows: make site"
)


def test_the_gallery_shows_every_picture_once():
    shown = re.findall(r'src="figures/(\w+)\.png"', site.gallery())
    assert sorted(shown) == sorted(f.stem for f in FIGURES.glob("*.png"))


def test_a_caption_says_what_is_drawn_and_leads_to_the_numbers():
    page = site.gallery()
    captions = re.findall(r"<figcaption>(.*?)(?: <a|</fig)", page)
    assert len(captions) == page.count("<img")
    assert not [caption for caption in captions if "_" in caption or len(caption) < 5]
    for stem in re.findall(r'href="figures/(\w+)\.csv"', page):
        assert (FIGURES / f"{stem}.csv").is_file()
    assert sorted(re.findall(r'src="figures/(\w+)\.png"', site.sheet())) == sorted(
        file.stem for file in FIGURES.glob("*.png")
    )


def test_the_ledger_shows_every_claim_with_the_value_computed_here():
    page = site.ledger()
    computed = site.values()
    for identifier, claim in claims.ledger().items():
        assert f'id="{identifier}"' in page
        assert html.escape(claim["statement"]) in page
        assert identifier in computed or "notebook" not in claim


def test_the_ledger_takes_claims_without_a_notebook(monkeypatch):
    claim = {"source": "paper", "place": "Section G", "statement": "<Big> models agree."}
    untested = claim | {"answer": "cannot be tested here", "why": "It needs 12.6B parameters."}
    monkeypatch.setattr(claims, "ledger", lambda: {"big-models": untested})
    page = site.ledger()
    for words in ("&lt;Big&gt; models agree.", "cannot be tested here", "12.6B parameters"):
        assert words in page


def test_what_a_claim_is_held_against_is_said():
    said = [
        ({"expected": True}, "yes"),
        ({"expected": 0.75, "tolerance": 0.05}, "0.75 ± 0.05"),
        ({"at_least": 2}, "≥ 2"),
        ({"at_least": 1, "at_most": 3}, "≥ 1, ≤ 3"),
        ({}, ""),
    ]
    assert [site.expected(claim) for claim, _ in said] == [words for _, words in said]


def test_the_data_page_lists_every_file():
    page = site.data()
    for file in DATA.rglob("*.csv"):
        assert f'href="data/{file.relative_to(DATA).as_posix()}"' in page


def test_the_library_has_a_page_for_what_readers_import():
    names = site.modules()
    assert {f"scalinglib.{m}" for m in ("laws", "flops", "fit", "allocate")} <= set(names)
    assert not [name for name in names if name.startswith("scalinglib.fit.")]


def test_a_status_counts_every_claim_once():
    answers = ["holds", "holds within 0.1", "holds within 0.3", "does not hold", "holds"]
    assert readme.status({"answer": a} for a in answers) == (
        "2 hold, 2 hold within a looser bound, 1 does not hold"
    )
    counted = re.findall(r"\d+", readme.status(claims.ledger().values()))
    assert sum(map(int, counted)) == len(claims.ledger())


class Addresses(HTMLParser):
    """What a page loads (src, and href of link) and where it leads (href of a), and its ids."""

    LOADS = ("script", "img", "source", "iframe", "link", "image", "use", "audio", "video")

    def __init__(self, text):
        super().__init__()
        self.loaded, self.linked, self.ids = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.ids.add(named.get("id"))
        address = named.get("src") or named.get("href") or named.get("xlink:href")
        if address and tag in self.LOADS:
            self.loaded.append(address)
        elif address:
            self.linked.append(address)


@pytest.fixture(scope="module")
def pages():
    """Addresses of each built page, by path."""
    return {
        path: Addresses(path.read_text(encoding="utf-8")) for path in site.BUILD.rglob("*.html")
    }


@needs_site
def test_every_notebook_has_its_page_and_stands_in_the_menu(pages):
    front = pages[site.BUILD / "index.html"]
    for notebook in readme.notebooks():
        assert site.page_of(notebook) in front.linked
    for address in ("planner/index.html", "ledger.html", "data.html", "api/index.html"):
        assert address in front.linked


@needs_site
def test_pages_load_nothing_from_elsewhere(pages):
    for path, addresses in pages.items():
        outside = [a for a in addresses.loaded if not a.startswith("data:") and urlsplit(a).netloc]
        assert not outside, path
    for sheet in site.BUILD.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text), sheet


@needs_site
def test_every_link_inside_the_site_leads_somewhere(pages):
    for path, addresses in pages.items():
        for address in addresses.loaded + addresses.linked:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.name}: {address}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{path.name}: {address}"


@needs_site
@needs_browser
def test_formulas_are_typeset_without_network():
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        failed = []
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        for notebook in readme.notebooks():
            page.goto((site.BUILD / site.page_of(notebook)).as_uri())
            if page.locator(".math").count():
                page.wait_for_selector("mjx-container")
                page.evaluate("MathJax.startup.promise")
                typeset = page.locator(".math mjx-container").count()
                assert typeset == page.locator(".math").count()
            # A dollar that is left is a formula that nobody typeset.
            assert page.locator("article p, .text_html", has_text="$").count() == 0, notebook.stem
            # An error in a formula shows as a mark of its own, or as red text.
            assert page.locator("mjx-merror, [data-mjx-error]").count() == 0, notebook.stem
            assert page.evaluate("document.documentElement.scrollWidth") == 390, notebook.stem
        assert not failed


@needs_site
@needs_browser
def test_the_ledger_is_filtered_and_read_on_a_phone():
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.goto((site.BUILD / "ledger.html").as_uri())
        answer = page.locator("[data-verdict]").first
        left = answer.bounding_box()
        assert 0 <= left["x"] < left["x"] + left["width"] <= 390
        found = claims.ledger().values()
        for name, value in (("verdict", "does not hold"), ("notebook", "17_real_text")):
            page.select_option(f".choices [name={name}]", value)
            wanted = sum(
                (c["answer"] if name == "verdict" else c.get(name)) == value for c in found
            )
            assert page.locator("[data-verdict]:visible").count() == wanted > 0
            assert f"{wanted} of {len(found)}" in page.locator(".choices output").inner_text()
            page.select_option(f".choices [name={name}]", "")
        page.fill(".choices [name=words]", "capacity gap")
        shown = page.locator("[data-verdict]:visible").count()
        assert 0 < shown < len(found)
        page.emulate_media(media="print")
        assert not page.locator(".choices").is_visible()


@needs_site
@needs_browser
def test_pages_fit_a_phone_in_type_that_can_be_read():
    small = """() => [...document.querySelectorAll('article *')].filter((node) =>
        [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
        && node.checkVisibility() && !node.closest('svg, mjx-container, sup, sub')
        && parseFloat(getComputedStyle(node).fontSize) < 11.99).map((node) => node.outerHTML)"""
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        for name in ("index", "gallery", "sheet", "ledger", "data", "genindex", "api/index"):
            page.goto((site.BUILD / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == 390, name
            assert not page.evaluate(small)[:3], name
