from tools import cells

NOTEBOOK = """
import matplotlib.pyplot as plt

STYLE = {"color": "black"}


def shade(ax):
    x = 1
    ax.fill_between([0, x], 0, 1)


total = sum(range(3))
for n in range(total):
    fig, ax = plt.subplots()
    # a comment
    shade(ax)
    name = str(n)
save(fig, "stem", table)
"""


def test_what_draws_is_told_from_what_does_not():
    lines = NOTEBOOK.splitlines()
    drawn = {lines[number - 1].strip() for number in cells.drawing_lines(NOTEBOOK)}
    assert drawn == {
        'STYLE = {"color": "black"}',
        "def shade(ax):",
        "ax.fill_between([0, x], 0, 1)",
        "for n in range(total):",
        "fig, ax = plt.subplots()",
        "shade(ax)",
    }


def test_the_first_picture_and_the_lengths_of_cells_are_counted():
    three = ["a = 1\n\n# said\nb = 2", "save(None, 'x', b)", "c = 3\nsave(c, 'y', b)"]
    found = cells.counted(three)
    assert found["lengths"] == [2, 1, 2]
    assert found["first"] == 5
