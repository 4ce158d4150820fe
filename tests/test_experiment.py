"""The engine that trains and records anything, on jobs that take no time."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np
import pandas as pd
import pytest

from scalinglib.experiment import execute, files, records, weights
from scalinglib.report.paths import ROOT


@dataclass(frozen=True)
class Job:
    """A job whose loss is its number plus a tenth of its teachers'."""

    number: int
    needs: tuple = ()
    keeps: bool = False
    work: float = 1.0

    @property
    def key(self):
        return f"job{self.number}"

    @property
    def ids(self):
        return (self.key,)

    @property
    def shapes(self):
        return {"w": jax.ShapeDtypeStruct((2,), np.dtype("float32"))}


trained = []


def train(job, given):
    if job.number >= 90:
        raise FloatingPointError(f"job {job.number} diverged")
    trained.append(job.number)
    loss = job.number + 0.1 * sum(float(given[need.key]["w"][0]) for need in job.needs)
    row = {"id": job.key, "loss": loss, "teacher": len(job.needs) or None}
    return [row], {"w": np.full(2, loss, "float32")}


TASK = execute.Task(train, ("id", "loss", "teacher"), {"teacher": "Int64"})
TEACHER = Job(1)
STUDENT = Job(2, (TEACHER,))
CHAIN = Job(3, (STUDENT,))  # a student's student


@pytest.fixture(autouse=True)
def _nothing_trained():
    trained.clear()


@pytest.fixture
def run(tmp_path):
    def go(jobs, task=TASK):
        with ThreadPoolExecutor(1) as pool:
            return execute.complete(
                jobs, task, tmp_path / "t.csv", tmp_path / "w", pool, progress=False
            )

    return go


def test_what_is_in_the_table_is_not_trained_again(run, tmp_path):
    first = run([TEACHER, STUDENT])
    assert first.set_index("id").loss.to_dict() == {"job1": 1.0, "job2": 2.1}
    text = (tmp_path / "t.csv").read_bytes()
    assert text == b"id,loss,teacher\njob1,1,\njob2,2.1,1\n"
    trained.clear()
    run([TEACHER, STUDENT, Job(4)])
    assert trained == [4]
    assert (tmp_path / "t.csv").read_bytes() == text + b"job4,4,\n"


def test_teachers_of_teachers_are_trained_first_wherever_the_list_has_them(run):
    found = run([CHAIN, STUDENT])
    assert trained == [1, 2, 3]
    # The one that was not asked for has no row.
    assert found.set_index("id").loss.to_dict() == {"job2": 2.1, "job3": 3.21}


def test_a_failing_job_is_named_and_costs_only_those_that_need_it(run, tmp_path):
    broken = Job(90)
    jobs = [broken, Job(5, (broken,)), Job(6, (Job(5, (broken,)),)), TEACHER, STUDENT]
    with pytest.raises(RuntimeError, match=r"3 runs failed(.|\n)*job90.*diverged(.|\n)*job6"):
        run(jobs)
    assert set(records.read(tmp_path / "t.csv").id) == {"job1", "job2"}


def test_a_dead_executor_is_reported_and_does_not_hang(tmp_path):
    class Dead:
        def submit(self, *work):
            future = Future()
            future.set_exception(OSError("worker gone"))
            return future

    with pytest.raises(RuntimeError, match="worker gone"):
        execute.complete([CHAIN], TASK, tmp_path / "t.csv", tmp_path, Dead(), progress=False)


def deadly(folder, job, given):
    """Job 7 kills its process the first time, job 8 always."""
    mark = folder / "killed"
    if job.number == 8 or (job.number == 7 and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return train(job, given)


def test_a_killed_process_costs_only_the_job_that_kills_it_again(tmp_path):
    jobs = [*map(Job, range(10, 14)), Job(7), Job(8), Job(9, (Job(8),)), STUDENT]
    task = replace(TASK, train=partial(deadly, tmp_path))
    path = tmp_path / "t.csv"
    with (
        execute.local_executor(2) as pool,
        pytest.raises(RuntimeError, match=r"2 runs failed(.|\n)*job8.*process died(.|\n)*job9"),
    ):
        execute.complete(jobs, task, path, tmp_path / "w", pool, progress=False)
    assert set(records.read(path).id) == {"job2", "job7", *(f"job{i}" for i in range(10, 14))}


@pytest.mark.filterwarnings("ignore")  # dask's own, about ports
def test_a_dask_cluster_trains_where_its_gpus_are(tmp_path):
    from dask.distributed import LocalCluster

    options = {"processes": False, "dashboard_address": None, "resources": {"GPU": 1}}
    with (
        LocalCluster(1, threads_per_worker=1, **options) as cluster,
        execute.executor(cluster.scheduler_address) as pool,
    ):
        found = execute.complete([CHAIN], TASK, tmp_path / "t.csv", tmp_path, pool, progress=False)
    assert found.loss.tolist() == [3.21]


def stored(file, values, name="w", key="job1"):
    weights.store(file.parent, key, {name: np.asarray(values)})
    return file.with_stem(key)


ONES = np.ones(2, "float32")
DAMAGE = {
    "garbage": lambda file: file.write_bytes(b"no zip file"),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-40]),
    "empty": lambda file: file.write_bytes(b""),
    "foreign": lambda file: stored(file, ONES, key="job8").replace(file),
    "other shape": lambda file: stored(file, np.ones(3, "float32")),
    "other names": lambda file: stored(file, ONES, name="v"),
    "other type": lambda file: stored(file, np.ones(2)),
    "not finite": lambda file: stored(file, np.nan * ONES),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_and_foreign_weights_are_trained_again(run, tmp_path, damage):
    run([TEACHER, Job(7, (TEACHER,))])
    DAMAGE[damage](tmp_path / "w" / "job1.npz")
    trained.clear()
    with pytest.warns(UserWarning, match=r"job1.*trained again"):
        found = run([TEACHER, STUDENT])
    assert trained == [1, 2]
    assert list(found.id) == ["job1", "job7", "job2"]
    assert found.set_index("id").loss.job2 == 2.1


def test_weights_that_are_missing_are_trained_again_and_whole_ones_are_not(run, tmp_path):
    run([TEACHER, Job(7, (TEACHER,))])
    trained.clear()
    run([STUDENT])
    assert trained == [2]
    (tmp_path / "w" / "job1.npz").unlink()
    run([Job(8, (TEACHER,))])
    assert trained == [2, 1, 8]


def test_a_row_is_made_again_without_touching_the_table(run, tmp_path):
    run([CHAIN])
    text = (tmp_path / "t.csv").read_bytes()
    for file in (tmp_path / "w").iterdir():
        file.unlink()
    with ThreadPoolExecutor(1) as pool:
        again = execute.remake("job3", [CHAIN], TASK, tmp_path / "w", pool)
        with pytest.raises(ValueError, match="'nobody'"):
            execute.remake("nobody", [CHAIN], TASK, tmp_path / "w", pool)
        with pytest.raises(FloatingPointError, match="diverged"):
            execute.remake("job90", [Job(90)], TASK, tmp_path / "w", pool)
    assert again.loss.item() == pytest.approx(3.21)
    assert (tmp_path / "t.csv").read_bytes() == text


def test_a_table_of_other_columns_is_refused_before_anything_is_trained(run, tmp_path):
    (tmp_path / "t.csv").write_text("id,loss,accuracy\njob9,1,2\n")
    with pytest.raises(ValueError, match=r"lacks \['teacher'\] and has \['accuracy'\]"):
        run([TEACHER])
    (tmp_path / "t.csv").write_text("id,loss,teacher,loss\n")
    with pytest.raises(ValueError, match=r"the columns \['loss'\] more than once"):
        run([TEACHER])
    assert trained == []


def test_rows_of_another_job_are_refused(run):
    wrong = execute.Task(lambda job, given: ([{"id": "other", "loss": 1.0}], {}), ("id", "loss"))
    with pytest.raises(RuntimeError, match=r"job1 gave rows of \['other'\]"):
        run([TEACHER], wrong)


def test_rows_of_other_columns_are_refused_before_they_are_written(run, tmp_path):
    wrong = replace(TASK, columns=("id", "loss", "teacher", "accuracy"))
    with pytest.raises(RuntimeError, match=r"job1: columns \['accuracy'\]"):
        run([TEACHER], wrong)
    assert not (tmp_path / "t.csv").exists()


def test_rows_stand_under_the_names_of_the_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("n,id,loss\n1,aaa,2.5\n")
    records.append(path, pd.DataFrame({"id": ["bbb"], "loss": [3.5], "n": [2]}))
    assert path.read_text() == "n,id,loss\n1,aaa,2.5\n2,bbb,3.5\n"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_that_others_wrote_are_read_whole_and_kept(tmp_path, end, last, mark):
    path, rows = tmp_path / "t.csv", ["id,n,loss", "aaa,1,2.5", "bbb,2,2.0"]
    path.write_bytes((mark + end.join(rows) + end * last).encode())
    assert list(records.read(path).id) == ["aaa", "bbb"]
    records.append(path, pd.DataFrame({"id": ["ccc"], "n": [3], "loss": [1.5]}))
    assert path.read_bytes() == "".join(f"{row}\n" for row in [*rows, "ccc,3,1.5"]).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,n\naaa\nbbb,2\n", "line 2 has 1 fields; the table has 2 columns"),
        (b"id,n\naaa,1,2\n", "line 2 has 3 fields"),
        (b"id,n\naaa,1\nbbb", "line 3 has 1 fields"),
        (b"id,n\n,1\n", "line 2 has an empty id"),
        (b"id,n\naaa,1\nbbb,1\naaa,2\n", "line 4 has the run aaa once more"),
        (b"id,n\naaa,1\naaa,1", "line 3 has the run aaa once more"),
        (b"id;n\naaa;1\n", "one must be 'id'"),
        (b'id,n\n"aaa,1\n', "line 2"),
        ("id,n\naaa,1\n".encode("utf-16"), "utf-8"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_and_left_alone(tmp_path, content, words):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        records.append(path, pd.DataFrame({"id": ["ccc"], "n": [3]}))
    assert path.read_bytes() == content


def test_header_alone_and_nothing_at_all(tmp_path):
    path = tmp_path / "t.csv"
    assert list(records.read(path)) == ["id"]
    for text in ("", "id,n", "id,n\n"):
        path.write_text(text)
        assert records.read(path).empty
        records.append(path, pd.DataFrame({"id": ["a"], "n": [1]}))
        assert path.read_text() == "id,n\na,1\n"


def test_whole_numbers_stay_whole_beside_empty_cells(tmp_path):
    rows = [{"id": "a", "n": None, "x": None}, {"id": "b", "n": 12345678, "x": 0.1234567}]
    records.append(tmp_path / "t.csv", records.frame(rows))
    assert (tmp_path / "t.csv").read_text() == "id,n,x\na,,\nb,12345678,0.123457\n"


def test_a_kill_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id\na\n")

    def die():
        with files.replacing(path) as file:
            file.write(b"id\nb")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert path.read_text() == "id\na\n"
    assert list(tmp_path.iterdir()) == [path]


def python(script):
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def test_the_lock_of_a_killed_process_and_its_litter_are_taken_over(run, tmp_path):
    path = tmp_path / "t.csv"
    script = f"""
import time
from scalinglib.experiment import files, records
with records.locked({str(path)!r}), files.replacing({str(path)!r}) as file:
    print(flush=True)
    time.sleep(60)
"""
    child = python(script)
    child.stdout.readline()
    told = f"process {child.pid} on {socket.gethostname()} since 20"
    with pytest.raises(records.LockedError, match=told):
        run([TEACHER])
    assert trained == []
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert len(list(tmp_path.iterdir())) == 2
    run([TEACHER])
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_a_lock_from_another_machine_is_not_taken_over(tmp_path):
    path = tmp_path / "t.csv"
    (tmp_path / ".t.csv.lock").write_text("process 1 on elsewhere since 2020")
    with pytest.raises(records.LockedError, match=r"process 1 on elsewhere.*delete"):  # noqa: SIM117
        with records.locked(path):
            pass


def test_a_runner_killed_anywhere_leaves_what_the_next_one_completes(run, tmp_path):
    path = tmp_path / "t.csv"
    script = f"""
import time
from concurrent.futures import ThreadPoolExecutor
from scalinglib.experiment import execute
from tests.test_experiment import Job, TASK, train
def slow(job, given):
    time.sleep(0.02)
    return train(job, given)
task = execute.Task(slow, TASK.columns, TASK.types)
with ThreadPoolExecutor(2) as pool:
    jobs = [Job(n, (Job(n + 50),)) for n in range(10, 40)]
    jobs += [Job(n + 50) for n in range(10, 40)]
    execute.complete(jobs, task, {str(path)!r}, {str(tmp_path / "w")!r}, pool, progress=False)
"""
    jobs = [Job(n, (Job(n + 50),)) for n in range(10, 40)] + [Job(n + 50) for n in range(10, 40)]
    child = python(script)
    while not path.exists() and child.poll() is None:
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    before = path.read_bytes()
    assert 0 < before.count(b"\n") < 61
    found = run(jobs)
    assert path.read_bytes().startswith(before)
    assert not found.id.duplicated().any()
    assert set(found.id) == {job.key for job in jobs}


def asleep(job, given):
    if job.number == 20:
        time.sleep(600)
    return train(job, given)


def test_ctrl_c_ends_at_once_and_keeps_what_has_ended(tmp_path):
    path = tmp_path / "t.csv"
    script = f"""
import signal
from dataclasses import replace
from scalinglib.experiment import execute
from tests.test_experiment import Job, TASK, asleep
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may run where it is ignored
    jobs, task = [Job(10), Job(20)], replace(TASK, train=asleep)
    with execute.executor(local=lambda: execute.local_executor(1)) as pool:
        execute.complete(jobs, task, {str(path)!r}, {str(tmp_path)!r}, pool, progress=False)
"""
    (tmp_path / "go.py").write_text(script)
    child = subprocess.Popen(
        [sys.executable, tmp_path / "go.py"],
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    while not path.exists() and child.poll() is None:
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGINT)
    assert b"KeyboardInterrupt" in child.communicate(timeout=300)[1]
    assert list(records.read(path).id) == ["job10"]
    assert not list(tmp_path.glob(".*.lock"))


def test_the_users_flags_are_kept(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")
    monkeypatch.setattr(execute.signal, "signal", lambda *given: None)
    monkeypatch.setattr(execute.threading.Thread, "start", lambda self: None)
    execute.one_core()
    execute.one_core()
    own = "--xla_cpu_multi_thread_eigen=false"
    assert os.environ["XLA_FLAGS"] == f"--xla_dump_to=here {own}"
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=true")
    execute.one_core()
    assert os.environ["XLA_FLAGS"] == "--xla_cpu_multi_thread_eigen=true"


def test_select_takes_the_rows_of_jobs_and_misses_none():
    runs = pd.DataFrame({"id": ["job1", "job2", "job5"]})
    assert list(records.select(runs, [STUDENT, TEACHER]).id) == ["job1", "job2"]
    with pytest.raises(ValueError, match="1 of 2 rows, job3"):
        records.select(runs, [TEACHER, CHAIN])
