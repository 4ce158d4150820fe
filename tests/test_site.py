"""The site: what its generated pages say, and the built pages as read without network."""

import html
import re
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

from scalinglib.report import claims
from scalinglib.report.paths import FIGURES, ROOT
from tests.browser import needs_browser, open_browser
from tools import readme, site

needs_site = pytest.mark.skipif(
    not site.is_current(), reason="build/site is not built, or older than what it shows: make site"
)


def test_a_caption_says_what_is_drawn_and_leads_to_the_numbers():
    page, drawn = site.page("gallery"), sorted(f.stem for f in FIGURES.glob("*.png"))
    assert sorted(re.findall(r'src="figures/(\w+)\.png"', page)) == drawn
    captions = re.findall(r"<figcaption><a [^>]*>(.*?)</a>", page)
    assert len(captions) == page.count("<img")
    assert not [caption for caption in captions if "_" in caption or len(caption) < 5]
    for stem in re.findall(r'href="figures/(\w+)\.csv"', page):
        assert (FIGURES / f"{stem}.csv").is_file()
    assert sorted(re.findall(r'src="figures/(\w+)\.png"', site.page("sheet"))) == drawn


def test_the_ledger_shows_every_claim_with_the_value_computed_here():
    page = html.unescape(site.page("ledger"))
    computed = {row["id"] for row in claims.computed()}
    for identifier, claim in claims.ledger().items():
        assert f'id="{identifier}"' in page
        assert claim["statement"] in page
        assert identifier in computed or "notebook" not in claim
        assert claim.get("follows", "") in page


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
def test_every_notebook_has_its_page_with_its_files_and_stands_in_the_menu(pages):
    front = pages[site.BUILD / "index.html"]
    for notebook in readme.notebooks():
        assert site.page_of(notebook) in front.linked
        shown = pages[site.BUILD / site.page_of(notebook)]
        assert {f"{notebook.stem}.py", f"{notebook.stem}.ipynb"} <= set(shown.linked)
        for stem in readme.stems(notebook):
            assert stem in shown.ids
            assert f"../figures/{stem}.csv" in shown.linked
    for module in ("laws", "flops", "fit", "allocate", "study"):
        assert site.BUILD / "api" / f"scalinglib.{module}.html" in pages
    # What re-exports its parts stands for them.
    assert not list((site.BUILD / "api").glob("scalinglib.fit.*.html"))
    for address in ("planner/index.html", "paper.html", "ledger.html", "data.html", "about.html"):
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


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests of built pages."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def served():
    """Address of the built site on a server of this machine, as it is published."""
    handler = partial(Quiet, directory=site.BUILD)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that does not tell of each."""

    def log_message(self, *arguments):
        """Say nothing."""


LOOK = (ROOT / "tests" / "legible.js").read_text(encoding="utf-8")
WIDE, PHONE, PAPER = 1280, 390, 703  # pixels of CSS; the last is A4 within the margins


@needs_site
@needs_browser
def test_every_page_is_legible_wide_and_narrow_light_and_dark_and_printed(pages, browser, served):
    page = browser.new_page(viewport={"width": WIDE, "height": 844})
    page.add_init_script(LOOK)
    failed = []
    page.on("response", lambda answer: answer.status < 400 or failed.append(answer.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    wrong = []

    def look(path, width, scheme):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme, media="screen")
        over = page.evaluate("document.documentElement.scrollWidth") - width
        wrong.extend([f"{path} {width}: {over} px too wide"] * (over > 0))
        wrong.extend(f"{path} {width} {scheme}: {text}" for text in page.evaluate("legible()"))

    for path in sorted(path.relative_to(site.BUILD).as_posix() for path in pages):
        page.goto(f"{served}/{path}")
        for width, scheme in ((WIDE, "light"), (PHONE, "dark")):
            look(path, width, scheme)
        page.set_viewport_size({"width": PAPER, "height": 1000})
        page.emulate_media(media="print")
        wrong.extend(f"{path} printed: {text}" for text in page.evaluate("cut()"))
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:20])
    assert not failed


@needs_site
@needs_browser
def test_formulas_are_typeset_without_network(browser):
    page = browser.new_page(viewport={"width": PHONE, "height": 800})
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
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE, notebook.stem


@needs_site
@needs_browser
def test_the_ledger_is_filtered_and_read_on_a_phone(browser):
    page = browser.new_page(viewport={"width": PHONE, "height": 800})
    page.goto((site.BUILD / "ledger.html").as_uri())
    answer = page.locator("[data-verdict]").first
    left = answer.bounding_box()
    assert 0 <= left["x"] < left["x"] + left["width"] <= PHONE
    found = claims.ledger().values()
    last = readme.notebooks()[-1].stem
    for name, value in (("verdict", "does not hold"), ("notebook", last)):
        page.select_option(f".choices [name={name}]", value)
        wanted = sum((c["answer"] if name == "verdict" else c.get(name)) == value for c in found)
        assert page.locator("[data-verdict]:visible").count() == wanted > 0
        assert f"{wanted} of {len(found)}" in page.locator(".choices output").inner_text()
        page.select_option(f".choices [name={name}]", "")
    page.fill(".choices [name=words]", "capacity gap")
    other = browser.new_page()
    other.goto(page.url)
    assert "#words=capacity+gap" in page.url
    assert other.input_value(".choices [name=words]") == "capacity gap"
    other.close()
    shown = page.locator("[data-verdict]:visible").count()
    assert 0 < shown < len(found)
    page.emulate_media(media="print")
    assert not page.locator(".choices").is_visible()


@needs_site
@needs_browser
def test_search_finds_the_terms_of_the_field(browser, served):
    page = browser.new_page()
    for words in ("capacity gap", "perplexity", "planner"):
        page.goto(f"{served}/index.html")
        page.fill(".sidebar-search", words)
        page.press(".sidebar-search", "Enter")
        page.locator("#search-results li a").first.click()
        text = page.locator("article").text_content().lower()  # code is folded, and found too
        # The search takes words by their stem: perplexities for perplexity.
        assert not [word for word in words.split() if word[:7] not in text]


@needs_site
@needs_browser
def test_a_picture_opens_large_and_escape_closes_it(browser, served):
    page = browser.new_page(viewport={"width": PHONE, "height": 844})
    for path, picture in (
        ("gallery.html", ".gallery a > img"),
        (front_notebook(), ".cell_output img"),
    ):
        page.goto(f"{served}/{path}")
        small = page.locator(picture).first
        assert not re.fullmatch(r".*\.png|", small.get_attribute("alt"))
        small.click()
        large = page.locator("dialog[open] img")
        large.wait_for()
        assert large.bounding_box()["width"] > 2 * small.bounding_box()["width"]
        page.keyboard.press("Escape")
        large.wait_for(state="detached")
        small.locator("xpath=..").focus()
        page.keyboard.press("Enter")
        large.wait_for()
        large.click()
        large.wait_for(state="detached")


def front_notebook():
    """Address of the first notebook that has a picture."""
    return next(site.page_of(n) for n in readme.notebooks() if readme.pictures(n))


@needs_site
@needs_browser
def test_two_taps_lead_to_a_recipe_and_to_a_figure_of_the_paper(browser, served):
    page = browser.new_page(viewport={"width": PHONE, "height": 844})
    page.goto(f"{served}/index.html")
    door = page.locator("article").get_by_role("link", name="planner")
    assert door.bounding_box()["y"] < 844  # seen without scrolling
    door.click()
    page.get_by_role("button", name="recipe").wait_for()
    ways = (("the paper, figure by figure", "fig08_"), ("misprint", "misprint_"))
    for words, stem in ways:
        page.goto(f"{served}/index.html")
        page.locator("article").get_by_role("link", name=words).first.click()
        if stem not in page.url:
            page.locator(f"article a[href*='{stem}']").first.click()
        fragment = page.url.split("#")[1]
        assert fragment.startswith(stem)
        assert page.locator(f"#{fragment}").count() == 1
