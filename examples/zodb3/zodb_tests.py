"""Run ZODB3's own test suite, and compare two runs of it.

``zodb-tests run FILE`` runs every test module and writes the outcomes; with ``--quick``
it leaves out those that run for minutes.
``zodb-tests compare PLAIN PATCHED`` prints how two such files differ.  It ends with 1
if any test but those of the module that the diff adds has another outcome.
"""

from __future__ import print_function

import argparse
import collections
import contextlib
import json
import os
import pkgutil
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from multiprocessing.pool import ThreadPool

import pkg_resources

#: Where the patch puts its tests.
ADDED = "ZODB.tests.testFormat"
#: Modules that run for minutes, mostly waiting, and in how many parts they are run.
PARTS = {"ZEO.tests.testConnection": 2, "ZEO.tests.testZEO": 8}
#: How many parts and modules run at a time.
JOBS = 4
#: After how many seconds a test that does not end is given up.  The longest takes 15.
PATIENCE = 120
#: How often a test that differs is run again, in both buildouts.
AGAIN = 4
PASSED = "ok"
ENDLESS = "did not end"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers()
    run = commands.add_parser("run", help="run the tests and write the outcomes")
    run.add_argument("file")
    run.add_argument("modules", nargs="*")
    run.add_argument("--quick", action="store_true", help="no module of minutes")
    run.set_defaults(command=run_all)
    compare = commands.add_parser("compare", help="compare two files of outcomes")
    compare.add_argument("plain")
    compare.add_argument("patched")
    compare.set_defaults(command=compare_files)
    module = commands.add_parser("module", help="what the others call")
    module.add_argument("name")
    module.add_argument("file")
    module.add_argument("--part", type=int, nargs=2, default=[0, 1])
    module.add_argument("--only", nargs="*")
    module.set_defaults(command=run_here)
    options = vars(parser.parse_args())
    return options.pop("command")(**options)


# Running


def run_all(file, modules, quick):
    """Run modules in processes of their own, and write the outcomes to a file."""
    started = time.time()
    jobs = []
    for name in modules or test_modules():
        count = PARTS.get(name, 1)
        if quick and count > 1:
            continue
        jobs += [(name, (part, count)) for part in range(count)]
    jobs.sort(key=lambda job: (-job[1][1], job))  # the longest first
    found = collections.defaultdict(dict)
    for name, part, outcomes, seconds in ThreadPool(JOBS).imap_unordered(run_job, jobs):
        found[name].update(outcomes)
        label = name if part[1] == 1 else "%s %d/%d" % (name, part[0] + 1, part[1])
        print("%-50s %6.1f s  %s" % (label, seconds, summary(outcomes)))
        sys.stdout.flush()
    report = {
        "program": os.path.abspath(sys.argv[0]),
        "version": pkg_resources.get_distribution("ZODB3").version,
        "python": platform.python_version(),
        "seconds": round(time.time() - started),
        "modules": found,
    }
    with open(file, "w") as stream:
        json.dump(report, stream, indent=1, sort_keys=True)
    show_total(report)
    return 0


def test_modules():
    """The names of all test modules in the ZODB3 that runs here."""
    zodb3 = pkg_resources.get_distribution("ZODB3")
    for top in zodb3.get_metadata("top_level.txt").split():
        folder = os.path.dirname(__import__(top).__file__)
        for _, name, is_package in pkgutil.walk_packages([folder], top + ".", refuse):
            parent, last = name.split(".")[-2:]
            if last == "tests" and not is_package:
                yield name
            elif parent == "tests" and last.startswith("test"):
                yield name


def refuse(name):
    raise ImportError(name)


def run_job(job):
    name, part = job
    started = time.time()
    outcomes = outcomes_of(sys.argv[0], name, ["--part"] + [str(n) for n in part])
    return name, part, outcomes, time.time() - started


def outcomes_of(program, name, options):
    """Run tests of a module in a process and an empty folder of its own.

    A test at which the process hangs or dies is given up, and the process started
    again with the rest.
    """
    with empty_folder() as folder:
        file, log = os.path.join(folder, "outcomes"), os.path.join(folder, "log")
        work = os.path.join(folder, "work")
        os.mkdir(work)
        command = [sys.executable, os.path.abspath(program), "module", name, file]
        while True:
            before = outcomes_in(file)
            with open(log, "w") as stream:
                process = subprocess.Popen(
                    command + options,
                    cwd=work,
                    env=dict(os.environ, TMPDIR=work),
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    preexec_fn=os.setsid,
                )
                wait(process, file)
            after = outcomes_in(file)
            if process.returncode == 0:
                return after
            if len(after) == len(before):
                with open(log) as stream:
                    after["(process)"] = ["error", stream.read()[-2000:]]
                return after


@contextlib.contextmanager
def empty_folder():
    folder = os.path.realpath(tempfile.mkdtemp("-zodb-tests"))
    try:
        yield folder
    finally:
        # Servers that still go down may write there.
        shutil.rmtree(folder, ignore_errors=True)


def wait(process, file):
    """Wait until a process ends, or until its file has not grown for too long."""
    size, since = None, time.time()
    while process.poll() is None and time.time() < since + PATIENCE:
        time.sleep(0.05)
        now = os.path.getsize(file) if os.path.exists(file) else 0
        if now != size:
            size, since = now, time.time()
    try:
        os.killpg(process.pid, signal.SIGKILL)  # with the servers that tests started
    except OSError:
        pass  # all have ended
    process.wait()


def outcomes_in(file):
    """The outcomes in a file of lines, the last one of each test."""
    if not os.path.exists(file):
        return {}
    with open(file) as stream:
        lines = [json.loads(line) for line in stream if line.endswith("\n")]
    return {test: [outcome, message] for test, outcome, message in lines}


def run_here(name, file, part, only):
    """Run a part of the tests of a module, or those with the names in `only`."""
    done = outcomes_in(file)
    with open(file, "a") as stream:
        outcomes = Outcomes(stream)
        try:
            tests = named_tests(name)
        except Exception as error:
            if part[0] == 0:
                outcomes.write("(import)", "error", repr(error))
        else:
            for test in only or sorted(tests)[part[0] :: part[1]]:
                if test in tests and test not in done:
                    outcomes.run(test, tests[test])
    # Some tests leave threads that never end.
    sys.stdout.flush()
    os._exit(0)


def named_tests(name):
    """The tests of a module, each by a name of its own."""
    module = __import__(name, {}, {}, ["*"])
    if hasattr(module, "test_suite"):
        suite = module.test_suite()
    else:
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    tests = {}
    for test in flat(suite):
        unique, number = test.id(), 2
        while unique in tests:
            unique, number = "%s #%d" % (test.id(), number), number + 1
        tests[unique] = test
    return tests


def flat(suite):
    if not isinstance(suite, unittest.TestSuite):
        return [suite]
    return [test for part in suite for test in flat(part)]


class Outcomes(unittest.TestResult):
    """Writes the outcome and the message of each test to a stream, as a line."""

    def __init__(self, stream):
        unittest.TestResult.__init__(self)
        self.stream = stream
        self.found = None

    def run(self, name, test):
        self.write(name, ENDLESS, "")
        self.found = [PASSED, ""]
        test.run(self)
        self.write(name, *self.found)

    def write(self, test, outcome, message):
        message = message.decode("utf-8", "replace").encode("ascii", "backslashreplace")
        self.stream.write(json.dumps([test, outcome, message]) + "\n")
        self.stream.flush()

    def addFailure(self, test, problem):
        self.found = ["failure", self._exc_info_to_string(problem, test)]

    def addError(self, test, problem):
        self.found = ["error", self._exc_info_to_string(problem, test)]

    def addSkip(self, test, reason):
        self.found = ["skipped", reason]


# Comparing


def compare_files(plain, patched):
    reports = []
    for file in plain, patched:
        with open(file) as stream:
            reports.append(json.load(stream))
        show_total(reports[-1])
    before, after = (report["modules"] for report in reports)

    added = after.pop(ADDED, {})
    print("added: %s: %s" % (ADDED, summary(added) or "NOTHING"))
    faults = not added or any(outcome != PASSED for outcome, _ in added.values())

    programs = [report["program"] for report in reports]
    for module in sorted(set(before) | set(after)):
        one, other = before.get(module, {}), after.get(module, {})
        for test in sorted(set(one) | set(other)):
            outcomes = [found.get(test, ["absent", ""]) for found in (one, other)]
            if outcomes[0][0] != outcomes[1][0]:
                faults |= differs(module, test, outcomes, programs)
    print("DIFFERENT" if faults else "All other tests have the same outcomes.")
    return int(faults)


def differs(module, test, outcomes, programs):
    """Run a test again, and tell whether it differs each time; say what is seen."""
    seen = [[outcome] for outcome, _ in outcomes]
    for _ in range(AGAIN):
        for i, program in enumerate(programs):
            found = outcomes_of(program, module, ["--only", test])
            seen[i].append(found.get(test, ["absent", ""])[0])
    # Flaky is what has several outcomes with the same code, and passes with both.
    flaky = all(PASSED in record for record in seen)
    print(
        "%s: %s %s\n  plain: %s; patched: %s"
        % (
            "flaky" if flaky else "DIFFERS",
            module,
            test,
            ", ".join(seen[0]),
            ", ".join(seen[1]),
        )
    )
    for _, message in outcomes:
        print(re.sub("(?m)^", "    ", message.strip()[-1500:]))
    return not flaky


def summary(outcomes):
    counts = collections.Counter(outcome for outcome, _ in outcomes.values())
    return ", ".join("%d %s" % (counts[key], key) for key in sorted(counts))


def show_total(report):
    together = {}
    for module, outcomes in report["modules"].items():
        together.update(((module, test), value) for test, value in outcomes.items())
    print(
        "ZODB3 %s on Python %s: %d tests in %d modules, %d s: %s"
        % (
            report["version"],
            report["python"],
            len(together),
            len(report["modules"]),
            report["seconds"],
            summary(together),
        )
    )
    for (module, test), (outcome, message) in sorted(together.items()):
        if outcome != PASSED:
            last = (message.strip().splitlines() or [""])[-1]
            print("  %s: %s %s: %s" % (outcome, module, test, last.strip()))


if __name__ == "__main__":
    sys.exit(main())
