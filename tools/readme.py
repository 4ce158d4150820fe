"""Write the README's generated parts, the page of the notebooks, and the links between them.

    .venv/bin/python -m tools.readme

What a notebook makes is read off its save(...) calls, its finding off what it says is to take away,
how long it takes off data/seconds.csv (`make seconds` measures it), what became of statements off
data/claims.toml.
"""

import ast
import csv
import re
from collections import Counter

from scalinglib.report.paths import DATA, FIGURES, ROOT
from tools import navigation

HEADLINE = "start_the_u"
# What stands for a notebook, where that is not its first picture.
SHOWN = {
    "02_capacity_gap_mapping_problem": "mapping_rise",
    "05_fitting_the_law": "fig05_predicted_observed",
    "07_compute_optimal_distillation": "fig33_compute_ratio",
    "07b_optimal_teachers": "fig29_both_shares",
    "08b_small_scale_decisions": "fig06_fixed_tokens_small_scale",
    "09_calibration": "fig43_data",
    "10_distillation_in_practice": "fig52_temperature",
    "12_your_own_runs": "own_runs_more_tokens_simulated",
    "14_a_better_law": "law_collapse",
    "17_real_text": "text_long_distillation",
}


def title(notebook):
    """The text of a notebook's first heading, without its number."""
    return re.search(r"^# # (?:\d+b? · )?(.+)$", notebook.read_text(encoding="utf-8"), re.M)[1]


def stems(notebook):
    """Stems under which a notebook saves figures and tables, in order."""
    return stems_in(notebook.read_text(encoding="utf-8"))


def stems_in(source):
    """Stems under which Python source, of a notebook or one of its cells, saves, in order.

    A function of the notebook may save for its caller: what a call is given counts where a table
    of that name is in figures/.
    """
    found = {}
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        saves = getattr(call.func, "id", "") == "save"
        given = call.args[1:2] if saves else call.args
        words = [node.value for node in given if isinstance(node, ast.Constant)]
        found |= {w: None for w in words if saves or (isinstance(w, str) and has_table(w))}
    return list(found)


def has_table(stem):
    """Whether there are numbers of a figure or table of this name."""
    return re.fullmatch(r"\w+", stem) and (FIGURES / f"{stem}.csv").exists()


def notebooks():
    """The edited halves of all notebooks, in reading order."""
    return sorted((ROOT / "notebooks").glob("[0-9]*.py"))


def name(stem):
    """What a figure or table is called: by the paper's number where it has one."""
    match = re.match(r"(fig|table)0*(\d+[a-z]?)_", stem)
    kind = {"fig": "Fig", "table": "Table"}
    return f"{kind[match[1]]} {match[2]}" if match else stem.replace("_", " ")


def has_picture(stem):
    """Whether there is a picture, not a table alone."""
    return (FIGURES / f"{stem}.png").exists()


def pictures(notebook):
    """Stems of the notebook's pictures, in order."""
    return [stem for stem in stems(notebook) if has_picture(stem)]


def link(stem):
    """A link from a notebook's place to the picture, or to the numbers of a table without one."""
    return f"[{name(stem)}](../figures/{stem}.{'png' if has_picture(stem) else 'csv'})"


def seconds():
    """Measured seconds by notebook, as text."""
    with (DATA / "seconds.csv").open(encoding="utf-8", newline="") as file:
        return {row["notebook"]: row["seconds"] for row in csv.DictReader(file)}


def ledger():
    """All claims by id."""
    from scalinglib.report import claims  # here: a notebook's run asks for the lists above alone

    return claims.ledger()


def verdict(claim):
    """A claim's answer without the bound that it names."""
    return re.sub(r"^(holds within) .*", r"\1", claim["answer"])


def status(claims):
    """What became of some claims of data/claims.toml, in words."""
    words = {
        "holds": ("holds", "hold"),
        "holds within": ("holds within a looser bound", "hold within a looser bound"),
        "does not hold": ("does not hold", "do not hold"),
        "not seen at our scale": ["not seen at our scale"] * 2,
        "undecided by the evidence": ["undecided by the evidence"] * 2,
    }
    answers = Counter(map(verdict, claims))
    order = [*words, *sorted(set(answers) - set(words))]
    counts = [(answers[answer], words.get(answer, [answer] * 2)) for answer in order]
    return ", ".join(f"{n} {said[n > 1]}" for n, said in counts if n)


def follows(claims):
    """How many of the claims about the law follow from the authors' own, in words."""
    answers = [claim["follows"] for claim in claims if "follows" in claim]
    both = [a for a in answers if a.startswith("holds") and not a.endswith("alone")]
    return f"of {len(answers)} about the law {len(both)} follow from the authors' own"


def score():
    """How the statements of the paper fare, in two sentences."""
    of_paper = [claim for claim in ledger().values() if claim["source"] == "paper"]
    found = Counter(map(verdict, of_paper))
    return (
        f"Of {len(of_paper)} statements of the paper **{found['holds']} hold**, "
        f"{found['holds within']} more within a looser bound, **{found['does not hold']} do not**; "
        f"{found['undecided by the evidence']} are undecided by the runs, "
        f"{found['not seen at our scale']} not seen at our scale, "
        f"{found['cannot be tested here']} cannot be tested here "
        f"([ledger](notebooks/11_claims.ipynb)).\n"
    )


def finding(notebook):
    """The first sentence of what a notebook says is to take away."""
    text = notebook.read_text(encoding="utf-8").split("## What to take away\n")[1]
    words = " ".join(line.lstrip("# -") for line in text.split("\n\n")[0].splitlines()).strip()
    words = re.sub(r"^(?:[^.]+:\s+)?1\. ", "", words)  # of a numbered list the first item
    return re.match(r".+?\.(?=[\s*]|$)", words)[0].replace("**", "")


def listed():
    """The notebooks by part, in reading order, each with its finding."""
    lines = []
    for part, paths in navigation.in_parts().items():
        lines += [f"**{part}**", ""]
        lines += [f"- {_linked(path, 'notebooks/')}: {finding(path)}" for path in paths]
        lines.append("")
    return "\n".join(lines)


def _linked(notebook, folder=""):
    number = notebook.stem.split("_")[0]
    return f"[{number} · {title(notebook)}]({folder}{notebook.stem}.ipynb)"


def details():
    """The page of notebooks/: of each what it makes, how long it takes, what became of claims."""
    lines = ["# The notebooks, in reading order", ""]
    lines += ["`make NAME` runs one, `make figures` all that changed. Seconds are those of a full"]
    lines += ["run where nothing was compiled before ([cores](../data/seconds.csv)).", ""]
    claims, measured = ledger().values(), seconds()
    for part, paths in navigation.in_parts().items():
        lines += [f"## {part}", ""]
        for path in paths:
            lines += [f"### {_linked(path)}", "", finding(path), ""]
            if stem := shown(path):
                lines += [f'<img src="../figures/{stem}.png" alt="{name(stem)}" width="480">', ""]
            lines += [f"- `make {path.stem}`, {measured.get(path.stem, 'some')} seconds"]
            if found := status(c for c in claims if c.get("notebook") == path.stem):
                lines += [f"- Statements: {found}"]
            lines += [f"- Makes {', '.join(map(link, stems(path)))}", ""]
    return "\n".join(lines)


def shown(notebook):
    """The stem of the picture that stands for a notebook; None where it has none."""
    return SHOWN.get(notebook.stem, next(iter(pictures(notebook)), None))


def three():
    """The three pictures of the first screen, a caption each."""
    import pandas as pd  # here, as in `ledger`

    from scalinglib import laws

    corrected, printed = laws.load("corrected"), laws.load("table6")
    runs = pd.read_csv(FIGURES / "paper_runs_capacity_gap.csv")
    costs = [
        group.student_loss[group.teacher_loss.idxmin()] - group.student_loss.min()
        for _, group in runs.groupby(["student_params", "student_tokens"])
    ]
    captions = {
        "start_the_u": "A teacher can be too good: in the paper's own runs the strongest one "
        f"costs a student up to {max(costs):.2f} nats against its best.",
        "misprint_section_d5": "Do not budget with the printed Table 6: its B' is a misprint, too "
        f"small by a factor of {corrected.B / printed.B:.0f}.",
        "start_the_decision": "Does distilling ever stop paying? The laws that fit the paper's "
        "runs disagree, so answers here are ranges.",
    }
    cells = "".join(
        f'<td width="33%" valign="top"><a href="figures/{stem}.png"><img src="figures/{stem}.png" '
        f'alt="{caption}"></a><br>{caption}</td>\n'
        for stem, caption in captions.items()
    )
    return f"<table><tr>\n{cells}</tr></table>\n"


def updated(text):
    """README text with its generated parts made anew."""
    parts = {"score": score, "three pictures": three, "notebooks": listed}
    for name, make in parts.items():
        begin, end = f"<!-- {name}: tools/readme.py -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = before + begin + make() + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    front = ROOT / "README.md"
    front.write_text(updated(front.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / "notebooks" / "README.md").write_text(details(), encoding="utf-8")
    for path in notebooks():
        path.write_text(navigation.linked(path), encoding="utf-8")
