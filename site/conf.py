"""Sphinx settings of the site; tools/site.py lays its pages out and calls Sphinx."""

project = "Distillation scaling laws"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
nb_execution_mode = "off"  # the committed outputs are what is shown
nb_merge_streams = True
nb_render_markdown_format = "myst"  # formulas in Markdown that a cell prints
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# From the npm package, copied beside the pages: they must work without network.
mathjax_path = "mathjax/tex-svg.js"
# Formulas stand in the heads of tables too, between dollars; the longest must fit a column.
mathjax3_config = {
    "tex": {"inlineMath": [["\\(", "\\)"], ["$", "$"]]},
    "svg": {"scale": 0.92},
}
myst_mathjax_classes = "mathjax_process|math|text_html"

autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_typehints = "none"

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("zoom.js", {"defer": "defer"})]
html_extra_path = ["_extra"]
templates_path = ["_templates"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/planner.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}


def setup(app):
    """Leave out what `NamedTuple` says of fields, and let a bar be one, as in |x|."""

    def skip(app, what, name, member, skip, options):
        return True if (member.__doc__ or "").startswith("Alias for field number") else None

    def escape(app, what, name, thing, options, lines):
        lines[:] = [line.replace("|", r"\|") for line in lines]

    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", escape)
