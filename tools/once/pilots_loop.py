"""Pilots proposed, trained, refitted until the rule stops; a forecast; then what it is about.

    python -m tools.once.pilots_loop pilots     until the rule stops; data/fits/pilots_foretold.csv
    python -m tools.once.pilots_loop judged     then, that file committed, the models asked about

Laid down before any of these models was trained. Both go on after a kill.

Text that no law was fitted to: pandas 3.1.1's own Python source (`requirements.lock` pins it) in
bytes, a document a file, without its tests. Sizes, recipe and costs are the committed text study's,
whose grid cost GRID FLOPs, teachers and inference included.

Asked: the student of depth 4 (201 408 parameters), for what 5 tokens a parameter cost on labels:
train it on data, or distil it from depth 2 or 3 on 20 tokens a parameter or depth 4 on 10? None of
the teachers is there yet, and each costs its training once, when a pilot first needs it.
Candidates: depths 1 to 3 at 5, 10, 20 and 40 tokens a parameter, on labels and from every teacher,
two seeds each. Noise 0.022 is what `pilots_bench` takes for the other text; prior and discrepancy
are the defaults.

Loop: `propose` for what is left of a twentieth of GRID, about the choice; its first four runs are
trained, and all is learnt again from the prior and the table. When the rule stops it (fewer than 1
of 20 worlds would change their answer), it goes on about the loss of the best way, until the four
runs next in line would narrow its range by less than a tenth. Without enough money it ends, too.

Foretold: each way's loss with a 90% range for the mean over SEEDS seeds: the laws', the
discrepancy's, and noise / sqrt(SEEDS). Then all ways are trained with SEEDS seeds. Right means

1. the mean of the way that is advised lies in its range (of the other ways: how many do);
2. no other way's mean is lower by more than the 95% t interval of the pairs (of one seed);
3. pilots and their teachers cost at most a twentieth of GRID.
"""

import argparse
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglib.allocate import Teacher
from scalinglib.experiment import execute
from scalinglib.report.paths import DATA, ROOT
from scalinglib.study import Design, Text, record
from scalinglib.study.designs import scaling
from scalinglib.study.run import Run, by_ratio, size
from scalingplan.answers import studies
from scalingplan.pilots import Choice, Foretell, Prior, grid, posterior, propose
from scalingplan.pilots.choose import _State
from scalingplan.pilots.worlds import inputs
from tools.once import write

TABLE, PLAN = DATA / "runs" / "pilots.csv", DATA / "fits" / "pilots_loop.csv"
FORETOLD, MODELS = DATA / "fits" / "pilots_foretold.csv", ROOT / "build" / "models"
TEXT = "text-3f81e4122e1f"
GRID = sum(run.flops + run.inference_flops for run in scaling.TEXT.runs())
SHARE, AT_ONCE, SEEDS, NOISE, NARROWER = 0.05, 4, 3, 0.022, 0.1
DEPTHS, RATIOS = (1, 2, 3), (5, 10, 20, 40)
TEACHERS = ((2, 20), (3, 20), (4, 10))
LIKE = scaling.TEXT.corpus  # of the same symbols: models of one depth cost the same
STUDENT = by_ratio(4, 5, corpus=LIKE)
_MODELS = [size(d, LIKE) for d in range(1, 5)]
FORWARD = {model.params: model.approximate_forward_flops for model in _MODELS}
NAMES = {"params": "student_params", "tokens": "student_tokens"}


def corpus():
    """The text."""
    folder = Path(find_spec("pandas").origin).parent
    files = [p for p in sorted(folder.rglob("*.py")) if "tests" not in p.relative_to(folder).parts]
    found = Text.from_files([f for f in files if f.name[:8] != "_version"], documents="files")
    if found.id != TEXT:
        raise ValueError(f"the installed pandas is the corpus {found.id}; {TEXT} is pandas 3.1.1's")
    return found


def believed(text):
    """The runs that there are, what is spent, candidates, teachers, the choice and the worlds."""
    runs = record.read(TABLE) if TABLE.exists() else pd.DataFrame(columns=record.COLUMNS)
    done = runs.set_index("id").loss
    own = {f"depth {d}": by_ratio(d, ratio, corpus=text) for d, ratio in TEACHERS}
    teachers = tuple(
        Teacher(name, run.params, done.get(run.id, np.nan), run.tokens) for name, run in own.items()
    )
    sizes = {size(d).params: d for d in DEPTHS}
    candidates = pd.concat(
        [grid([n], [r * n for r in RATIOS], teachers, forward=FORWARD.__getitem__) for n in sizes],
        ignore_index=True,
    )
    taught = {run.params: run for run in own.values()}
    seeds = []
    for row in candidates.itertuples():
        run = partial(Run, sizes[row.student_params], row.student_tokens, corpus=text)
        teacher = taught.get(row.teacher_params)
        left = [s for s in (0, 1) if run(seed=s, teacher=teacher).id not in done]
        seeds.append(min(left, default=np.nan))
    prior, candidates = Prior.around(candidates), candidates.assign(seed=seeds)
    choice = Choice(STUDENT.params, STUDENT.flops, teachers, forward=FORWARD.__getitem__)
    known = runs.rename(columns=NAMES).astype({"teacher_params": float, "teacher_tokens": float})
    spent = float((runs.flops + runs.inference_flops).sum())
    open_ = candidates.dropna(subset="seed")
    return known, spent, open_, choice, posterior(prior, known, noise=NOISE)


def proposed(text):
    """The next runs and why, or none; and the ways as they are foretold."""
    known, spent, candidates, choice, worlds = believed(text)
    ask = partial(
        propose,
        worlds,
        candidates,
        budget=SHARE * GRID - spent,
        noise=NOISE,
        known=known,
        repeats=1,
    )
    ways = asked = None
    try:
        asked = ask(questions=choice)
        ways = asked.answers
        if not asked.stop:
            return asked, "choice", asked.runs.head(AT_ONCE), ways
        best = choice.rows().iloc[ways.loss.argmin()]
        if np.isnan(best.teacher_loss) and not np.isnan(best.teacher_params):
            return asked, "teacher", asked.runs.head(0), ways
        teacher = None if np.isnan(best.teacher_loss) else best.teacher_loss
        loss = ask(questions=Foretell(best.student_params, best.student_tokens, teacher))
        runs = loss.runs.head(AT_ONCE)
        if len(runs) and runs.width.iloc[-1] < (1 - NARROWER) * loss.width:
            return loss, "loss", runs, ways
        return loss, "stop", runs.head(0), ways
    except ValueError as error:  # nothing left to spend, or nothing tells
        print(error)
        return asked, "stop", candidates.head(0), ways


def pilots(text, pool):
    """The loop."""
    like = Design(corpus=text)
    while True:
        if PLAN.exists():  # what a kill left undone
            asked_for = studies.read_runs(PLAN, like)
            execute.complete(asked_for, record.task(MODELS, asked_for), TABLE, MODELS, pool)
        asked, why, runs, ways = proposed(text)
        print(why, "" if asked is None else asked.sentence(), flush=True)
        if why == "stop":
            break
        if why == "teacher":
            depth, ratio = TEACHERS[ways.loss.argmin() - 1]
            runs = grid([size(depth).params], [ratio * size(depth).params], forward=FORWARD.get)
            runs = runs.assign(seed=0, spent=np.nan, width=asked.width, changes=0.0)
        before = pd.read_csv(PLAN) if PLAN.exists() else pd.DataFrame({"round": [0]}).head(0)
        told = {"round": int(before["round"].max() or 0) + 1 if len(before) else 1, "asked": why}
        told |= {"doubt": asked.doubt, "before": asked.width, "floor": asked.floor}
        shown = ["student_params", "student_tokens", "teacher_params", "teacher_tokens", "seed"]
        rows = runs[[*shown, "cost", "width", "changes"]].assign(**told)
        write(pd.concat([before, rows]), PLAN)
    write(foretold(text), FORETOLD)


def foretold(text):
    """Each way's loss and the 90% range of the mean over seeds, and what it would train."""
    known, _, candidates, choice, worlds = believed(text)
    state = _State(worlds, inputs(candidates), candidates, [choice], NOISE, None, known)
    answers = state.proposal([], state.now).answers
    half = np.hypot(answers.high - answers.loss, 1.645 * NOISE / np.sqrt(SEEDS) * answers.loss)
    rows = choice.rows()[["student_tokens", "teacher_params", "teacher_loss"]]
    told = answers[["answer", "loss", "best"]].assign(
        low=answers.loss - half, high=answers.loss + half
    )
    return told.join(rows)


def judged(text, pool):
    """The ways that were foretold, trained; their rows join the table."""
    told, common = pd.read_csv(FORETOLD), {"corpus": text}
    teachers = [None, *(by_ratio(d, ratio, **common) for d, ratio in TEACHERS)]
    runs = [
        Run(STUDENT.n_layers, tokens, seed=seed, teacher=teacher, **common)
        for seed in range(SEEDS)
        for teacher, tokens in zip(teachers, told.student_tokens, strict=True)
    ]
    execute.complete(runs, record.task(MODELS, runs), TABLE, MODELS, pool)


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("pilots", "judged"))
    part = parser.parse_args().part
    with execute.local_executor(1) as pool:
        (pilots if part == "pilots" else judged)(corpus(), pool)


if __name__ == "__main__":
    main()
