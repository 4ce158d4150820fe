"""Say in a dozen lines what a new computation of everything reproduced; `make verify` runs it.

    python -m tools.verify [NAME ...]      of all notebooks, or of those named

Reads what each notebook's run recorded (build/made/NAME.json). Exit status 1 where anything
differs beyond rounding from the last commit, or, outside git, from the files as they were.
"""

import json
import subprocess
import sys
from pathlib import Path

from scalinglib.report import claims
from tools import compare, publish, readme

PLURALS = {"table": "tables", "figure": "figures", "notebook": "notebooks"}


def summary(records, answers, left=()):
    """The report's lines, and whether everything was reproduced.

    - records: rows of `publish.settle` by notebook, None where its run failed.
    - answers: recorded and computed answer by claim, a pair; None for what was not computed.
    - left: published files that no run made.
    """
    rows = [row for record in records.values() for row in record or ()]
    lines = []
    for kind, plural in PLURALS.items():
        of_kind = [row for row in rows if row["kind"] == kind]
        same = [row for row in of_kind if not row["new"]]
        exact = sum(row["size"] == 0 for row in same)
        total = len(records) if kind == "notebook" else len(of_kind)
        lines.append(f"{len(same)} of {total} {plural} reproduced, {exact} of them to all digits")
    held = sum(recorded == computed for recorded, computed in answers.values())
    lines.append(f"{held} of {len(answers)} claims answered as recorded")
    for kind, unit in (("table", f" of its scale; {compare.NOISE:g} is rounding"),
                       ("figure", f" pt; {compare.POINTS:g} is rounding")):  # fmt: skip
        measured = [r for r in rows if r["kind"] == kind and 0 < r["size"] < float("inf")]
        if measured:
            worst = max(measured, key=lambda row: row["size"])
            lines += [f"largest deviation of a {kind}: {worst['size']:.1e}{unit}"]
            lines += [f"    {worst['file']}: {worst['where']}"]
    wrong = [f"{row['file']}: {row['where']}" for row in rows if row["new"]]
    missing = [name for name, record in records.items() if record is None]
    wrong += [f"notebook {name} failed, or was not run" for name in missing]
    wrong += [
        f"claim {name}: {computed or 'not computed'}; recorded: {recorded}"
        for name, (recorded, computed) in answers.items()
        if recorded != computed and (computed or not missing)
    ]
    wrong += [f"{file}: no notebook makes it" for file in left]
    lines.append(f"beyond rounding: {len(wrong)}" if wrong else "nothing differs beyond rounding")
    return lines + [f"    {line}" for line in wrong], not wrong


def not_made(records):
    """Tables and drawings in figures/ that no run made, those of runs that failed left out."""
    listed = ["git", "ls-tree", "-r", "-z", "--name-only", "HEAD", "figures"]
    done = subprocess.run(listed, cwd=publish.ROOT, capture_output=True, text=True)
    found = {Path(name) for name in done.stdout.split("\0")}
    found |= {path.relative_to(publish.ROOT) for path in publish.ROOT.glob("figures/*")}
    made = {row["file"] for record in records.values() for row in record or ()}
    failed = [path for path in readme.notebooks() if records[path.stem] is None]
    excused = {stem for path in failed for stem in readme.stems(path)}
    return sorted(
        path.as_posix()
        for path in found
        if path.suffix in (".csv", ".svg") and path.as_posix() not in made
        if path.stem not in excused
    )


def main(stems=()):
    """Print the report on the notebooks named, or on all; the exit status."""
    wanted = [path.stem for path in readme.notebooks() if not stems or path.stem in stems]
    records = {}
    for stem in wanted:
        record = publish.ROOT / "build" / "made" / f"{stem}.json"
        done = publish.ROOT / "build" / "figures" / f"{stem}.done"
        finished = record.exists() and done.exists()
        records[stem] = json.loads(record.read_text("utf-8")) if finished else None
    computed = [row for row in claims.computed() if records.get(row["notebook"])]
    printed = {row["id"]: row["answer"] for row in computed}
    answers = {
        name: (claim["answer"], printed.get(name))
        for name, claim in claims.ledger().items()
        if claim.get("notebook") in wanted
    }
    lines, reproduced = summary(records, answers, [] if stems else not_made(records))
    print("\n".join(lines))
    return not reproduced


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
