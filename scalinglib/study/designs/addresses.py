"""The paper's protocols on real English, for notebook 17."""

from pathlib import Path

from scalinglib.study import design_file

FULL = design_file.read(Path(__file__).with_name("addresses.toml"))
