"""How soon the planner's page answers a keystroke, in a browser, the ensemble included."""

import statistics
import tempfile
from pathlib import Path

from scalingplan import page as planner
from tests.browser import open_browser

_CASES = {
    "one teacher": "#have=one&tl=2.0",
    "a list of three": "#have=list",
    "a teacher to train": "#have=none&u=flops&b=1e21",
}
# From the event to the answer's words in the page, and until the last curve is drawn.
_TYPE = """() => new Promise((done) => {
  const field = document.getElementById('n'), answer = document.getElementById('answer');
  field.value = field.value === '1B' ? '1.1B' : '1B';
  const start = performance.now();
  field.dispatchEvent(new Event('input', { bubbles: true }));
  const first = performance.now() - start;
  const look = () => (answer.dataset.state === 'settled'
    ? done([first, performance.now() - start]) : setTimeout(look, 5));
  look();
})"""


def main(repeats=9):
    """Print medians, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        planner.write(Path(folder) / "planner")
        for name, query in _CASES.items():
            page = browser.new_page()
            page.goto((Path(folder) / "planner" / "index.html").as_uri() + query)
            times = [page.evaluate(_TYPE) for _ in range(repeats)]
            first, last = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"planner, {name}: answer after {first:.0f} ms, last curve after {last:.0f} ms")
            page.close()


if __name__ == "__main__":
    main()
