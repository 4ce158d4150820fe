"""Train the networks behind notebook 02 that data/runs/mapping.csv does not have yet.

    python -m tools.study_mapping

Can be stopped at any moment; started again, it goes on where it was. To train everything anew,
say after a change to how networks are trained, delete the table and build/mapping first.
"""

from scalinglib import mapping_study
from scalinglib.report.paths import DATA, ROOT


def main():
    """Run the full sweep."""
    mapping_study.run(mapping_study.FULL, DATA / "runs" / "mapping.csv", ROOT / "build" / "mapping")


if __name__ == "__main__":
    main()
