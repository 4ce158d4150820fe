"""Train the students of notebook 09 and measure confidences: make study-calibration.

Teachers come from build/models, where `make study` leaves them; one missing there is trained.
"""

from scalinglib.report.paths import DATA, ROOT
from scalinglib.study import reliability, runner


def main():
    """Train and measure what the table lacks."""
    with runner.local_executor() as pool:
        reliability.run(
            reliability.FULL, DATA / "runs" / "calibration.csv", ROOT / "build" / "models", pool
        )


if __name__ == "__main__":
    main()
