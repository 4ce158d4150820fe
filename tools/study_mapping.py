"""Train the networks behind notebook 02 that data/runs/mapping*.csv do not have yet.

    python -m tools.study_mapping

Can be stopped at any moment; started again, it goes on where it was. To train everything anew,
say after a change to how networks are trained, delete the table and build/mapping first.
"""

from scalinglib import mapping_paper, mapping_study
from scalinglib.report.paths import DATA, ROOT


def main():
    """Run the paper's settings and the map around them."""
    runs, cache = DATA / "runs", ROOT / "build" / "mapping"
    mapping_study.run(mapping_paper.PAPER, runs / "mapping_paper.csv", cache)
    mapping_study.run(mapping_study.FULL, runs / "mapping.csv", cache)


if __name__ == "__main__":
    main()
