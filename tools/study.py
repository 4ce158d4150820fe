"""Train what a table in data/runs lacks, and go on where it stopped: make study-NAME.

Weights stay in build/: models trained on labels teach in several studies. To train everything
anew, say after a change to how models are trained, delete table and weights first.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from scalinglib.experiment import execute, records
from scalinglib.gap import mapping_paper, mapping_sweep
from scalinglib.report.paths import DATA, ROOT
from scalinglib.study import record
from scalinglib.study.designs import (
    choice,
    confidence,
    epochs,
    floor,
    logits,
    mixing,
    practice,
    scaling,
    strong_teachers,
    switch,
    written,
)

MODELS = ROOT / "build" / "models"
MAPPING = ROOT / "build" / "mapping"
LOGITS = logits.RUNS
ONE_THREAD = partial(ThreadPoolExecutor, 1)  # its groups use all cores at once


def transformers(runs, task=None):
    """Jobs, what is done with them, where weights lie, and who works on this machine."""
    return runs, task or record.task(MODELS), MODELS, execute.local_executor


STUDIES = {
    "study": transformers(scaling.FULL.runs()),
    "text": transformers(scaling.TEXT.runs()),
    "fixed_tokens": transformers(scaling.FIXED_TOKENS),
    "largest_students": transformers(scaling.LARGEST_STUDENTS),
    "sweep": transformers(scaling.SWEEP),
    "practice": transformers(practice.RUNS),
    "floor": transformers(floor.RUNS),
    "mixing": transformers(mixing.RUNS),
    "mixing_text": transformers(mixing.TEXT_RUNS),
    "strong_teachers": transformers(strong_teachers.RUNS),
    "epochs": transformers(epochs.RUNS),
    "epochs_text": lambda folder: epochs.runs(epochs.TEXT_TEACHER),  # whose tokens have to be there
    "switch": transformers(switch.RUNS),
    "choice": transformers(choice.RUNS),
    "written": written.runs,  # on what teachers wrote, whose weights have to be there
    "logits": transformers(LOGITS, record.task(MODELS, LOGITS)),
    "calibration": transformers(confidence.runs(), confidence.task(MODELS)),
    "mapping": (mapping_sweep.groups(), mapping_sweep.task(), MAPPING, ONE_THREAD),
    "mapping_paper": (mapping_paper.groups(), mapping_sweep.task(), MAPPING, ONE_THREAD),
}


def main():
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--run", metavar="ID", help="train this row again and compare it")
    parser.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster")
    arguments = parser.parse_args()
    study = STUDIES[arguments.study]
    jobs, task, folder, local = study if isinstance(study, tuple) else transformers(study(MODELS))
    path = DATA / "runs" / f"{arguments.study}.csv"
    with execute.executor(arguments.dask, local) as pool:
        if arguments.run is None:
            runs = execute.complete(jobs, task, path, folder, pool)
            print(f"{path.name} is complete: {len(runs)} rows of {runs.id.nunique()} models")
            if arguments.study == "practice":
                kept = practice.entries(folder)
                kept.to_csv(path.with_stem("practice_entries"), index=False, float_format="%.6g")
            return
        made = execute.remake(arguments.run, jobs, task, folder, pool)
    made = made[made.id == arguments.run]
    print(made.T.to_string(header=False) if len(made) == 1 else made.to_string(index=False))
    known = records.read(path, task.types).set_index("id")
    if "loss" in made and arguments.run in known.index:
        print(f"loss {made.loss.item():.6f} here, {known.loss[arguments.run]} in {path.name}")


if __name__ == "__main__":
    main()
