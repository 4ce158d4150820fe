"""Two colours that are told apart."""

BLUE, ORANGE = "#0072B2", "#D55E00"
