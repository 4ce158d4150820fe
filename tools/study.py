"""Train the small-scale study: make study, study-sweep, study-practice; [RUN=id] [DASK=address]."""

import argparse
from contextlib import contextmanager

from scalinglib.report.paths import DATA, ROOT
from scalinglib.study import practice, protocol, runner

CACHE = ROOT / "build" / "models"
DESIGNS = {"study": protocol.FULL, "sweep": protocol.SWEEP, "practice": practice.FULL}


@contextmanager
def executor(address):
    """Dask's executor at an address, or this machine's."""
    if address:
        from dask.distributed import Client

        with Client(address) as client:
            yield client.get_executor(pure=False)
    else:
        with runner.local_executor() as pool:
            yield pool


def main():
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("design", nargs="?", default="study", choices=DESIGNS)
    parser.add_argument("--run", metavar="ID", help="train this run again and compare it")
    parser.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster")
    arguments = parser.parse_args()
    wanted = DESIGNS[arguments.design].runs()
    table = DATA / "runs" / f"{arguments.design}.csv"
    with executor(arguments.dask) as pool:
        if arguments.run is None:
            runner.run(wanted, table, CACHE, pool)
            if arguments.design == "practice":
                kept = practice.entries(practice.FULL, CACHE)
                kept.to_csv(table.with_stem("practice_entries"), index=False, float_format="%.6g")
            return
        row = runner.remake(arguments.run, wanted, CACHE, pool)
    committed = runner.read(table).set_index("id").loss.get(row.id)
    print(row.to_string())
    print(f"loss {row.loss:.6f} here, {committed} in {table.name}")


if __name__ == "__main__":
    main()
