"""Write the cards by which archives and checkers know this repository, from CITATION.cff.

    .venv/bin/python -m tools.cards

.zenodo.json for Zenodo, codemeta.json for software indexes, codecheck.yml for who checks the
computations (CODECHECK 2.0; the checker adds name, summary, certificate and report),
data/croissant.json, a Croissant card of the tables in data/runs and data/published, and
.adduce/manifest.yaml, which ties each value to the command that computes it.
"""

import contextlib
import hashlib
import html
import json
import re
import tomllib

import pandas as pd
import yaml

from scalinglib.report import claims
from scalinglib.report.paths import DATA, ROOT
from tools import navigation, readme

KINDS = {"i": "sc:Integer", "f": "sc:Float", "b": "sc:Boolean"}
CROISSANT = "http://mlcommons.org/croissant/"


def citation():
    """CITATION.cff as a dict."""
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def called(author):
    """An author's name as one says it."""
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def zenodo(cite):
    """What Zenodo reads when a release is made."""
    creators = [
        {"name": a.get("name") or f"{a['family-names']}, {a['given-names']}"}
        | {key: a[key] for key in ("affiliation", "orcid") if key in a}
        for a in cite["authors"]
    ]
    paper = cite["references"][0]
    return {
        "title": cite["title"],
        "description": cite["abstract"],
        "upload_type": "software",
        "version": cite["version"],
        "publication_date": cite["date-released"].isoformat(),
        "license": cite["license"],
        "access_right": "open",
        "creators": creators,
        "keywords": cite["keywords"],
        "related_identifiers": [
            {"identifier": paper["doi"], "relation": "isDerivedFrom", "scheme": "doi"}
        ],
    }


def codemeta(cite):
    """CodeMeta 3.0: what it is, who wrote it, what it runs on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    people = [
        {"@type": "Organization", "name": a["name"]}
        if "name" in a
        else {"@type": "Person", "givenName": a["given-names"], "familyName": a["family-names"]}
        | ({"@id": a["orcid"]} if "orcid" in a else {})
        for a in cite["authors"]
    ]
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": cite["title"],
        "identifier": project["name"],
        "description": cite["abstract"],
        "version": cite["version"],
        "dateModified": cite["date-released"].isoformat(),
        "license": f"https://spdx.org/licenses/{cite['license']}",
        "author": people,
        "keywords": cite["keywords"],
        "programmingLanguage": "Python",
        "runtimePlatform": f"Python {project['requires-python']}",
        "softwareRequirements": project["dependencies"],
        "referencePublication": f"https://doi.org/{cite['references'][0]['doi']}",
    } | ({"codeRepository": cite["repository-code"]} if "repository-code" in cite else {})


def codecheck(cite):
    """The manifest of figures and tables of numbers, and the command that makes each."""
    paper = cite["references"][0]
    manifest = [
        {"file": f"figures/{stem}.{kind}", "comment": f"{readme.name(stem)}; make {path.stem}"}
        for path in navigation.in_order()
        for stem in readme.stems(path)
        for kind in (("png", "csv") if readme.has_picture(stem) else ("csv",))
    ]
    return {
        "version": "https://codecheck.org.uk/spec/config/2.0/",
        "paper": {
            "title": paper["title"],
            "authors": [{"name": called(author)} for author in paper["authors"]],
            "reference": f"https://doi.org/{paper['doi']}",
        },
        "manifest": manifest,
    }


def audit(cite):
    """What an auditor of artifacts asks (adduce): data with checksums, values with commands."""
    ledger = claims.ledger()
    values, seeds = [], {path.stem: seeds_of(path) for path in navigation.in_order()}
    for row in (row for row in claims.computed() if row["id"] in ledger):
        with contextlib.suppress(ValueError):  # what is true or false has no value
            claim = ledger[row["id"]]
            values.append(
                {
                    "id": row["id"],
                    "text": claim["statement"],
                    "where": f"{claim['source']}, {claim['place']}",
                    "value": float(row["value"].partition(",")[0]),
                    "seeds": seeds[row["notebook"]],
                    "produced_by": {
                        "command": f"make {row['notebook']}",
                        "log": f"notebooks/{row['notebook']}.ipynb",
                    },
                    "status": "confirmed",  # the notebook fails where another answer comes out
                }
            )
    datasets = [
        {
            "id": f"data/{name}",
            "source": source["origin"],
            "license": source["licence"],
            "checksum": f"sha256:{_sha256(DATA / name)}",
        }
        for name, source in sources().items()
        if name.startswith(("runs/", "published/", "public/"))
    ]
    return {
        "schema": "adduce/1",
        "paper": {"title": cite["references"][0]["title"]},
        "environment": {"lockfile": "requirements.lock", "container": "Dockerfile"},
        "datasets": datasets,
        "claims": values,
        "smoke": {"command": "make smoke", "max_runtime_minutes": 5},
    }


def seeds_of(notebook):
    """The seeds of the runs that a notebook reads, of all tables in data/runs that it names."""
    text = notebook.read_text(encoding="utf-8")
    tables = [p for p in (DATA / "runs").glob("*.csv") if re.search(rf'"{p.stem}(.csv)?"', text)]
    columns = [pd.read_csv(table, usecols=lambda name: name == "seed") for table in tables]
    return sorted({int(seed) for table in columns for seed in table.get("seed", [])})


def sources():
    """data/SOURCES.toml as a dict."""
    return tomllib.loads((DATA / "SOURCES.toml").read_text("utf-8"))


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def meanings(guide):
    """What data/README.md says of columns: a dict by file and column, links left out."""
    found = {}
    for part in re.split(r"^## ", guide, flags=re.M)[1:]:
        files = re.findall(r"[\w./]+\.csv", part.partition("\n")[0])
        for names, words in re.findall(r"^\| (`[^|]+?) \| ([^|]+?) \|$", part, re.M):
            for file in files:
                found |= {(file, name): words for name in re.findall(r"`(\w+)`", names)}
    return found


def croissant(cite):
    """A data set of one record set a table; what no guide explains is called by its column."""
    known = sources()
    said = meanings((DATA / "README.md").read_text(encoding="utf-8"))
    files, records = [], []
    for name in sorted(n for n in known if re.match(r"(runs|published)/.*\.csv", n)):
        path = DATA / name
        files.append(
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "description": f"{known[name]['origin']}. {known[name]['licence']}.",
                "contentUrl": name,
                "encodingFormat": "text/csv",
                "sha256": _sha256(path),
            }
        )
        stem = name.removesuffix(".csv").replace("/", "_")
        fields = [
            {
                "@type": "cr:Field",
                "@id": f"{stem}/{column}",
                "name": column,
                "description": html.unescape(said.get((name, column), column)),
                "dataType": KINDS.get(values.dtype.kind, "sc:Text"),
                "source": {"fileObject": {"@id": name}, "extract": {"column": column}},
            }
            for column, values in pd.read_csv(path).items()
        ]
        records.append({"@type": "cr:RecordSet", "@id": stem, "name": stem, "field": fields})
    return {
        "@context": json.loads((ROOT / "tools" / "croissant_context.json").read_text("utf-8")),
        "@type": "sc:Dataset",
        "name": "distillation-scaling-law-runs",
        "description": cite["abstract"],
        "conformsTo": f"{CROISSANT}1.0",
        "citeAs": f"{cite['title']} {cite['version']}",
        "license": "https://opensource.org/license/mit",
        "creator": [{"@type": "sc:Organization", "name": called(a)} for a in cite["authors"]],
        "datePublished": cite["date-released"].isoformat(),
        "version": str(cite["version"]),
        "url": cite.get("repository-code", f"https://doi.org/{cite['references'][0]['doi']}"),
        "distribution": files,
        "recordSet": records,
    }


def cards():
    """Text of each card by its path from the root."""
    cite = citation()
    made = {".zenodo.json": zenodo, "codemeta.json": codemeta, "data/croissant.json": croissant}
    written = {"codecheck.yml": codecheck, ".adduce/manifest.yaml": audit}
    texts = {n: json.dumps(f(cite), indent=1, ensure_ascii=False) + "\n" for n, f in made.items()}
    for name, card in written.items():
        texts[name] = yaml.safe_dump(card(cite), sort_keys=False, allow_unicode=True, width=200)
    return texts | {"codecheck.yml": f"---\n{texts['codecheck.yml']}"}


if __name__ == "__main__":
    for name, text in cards().items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(text, encoding="utf-8")
