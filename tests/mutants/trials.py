"""Each mutant against the tests, in a process of its own that is forked from this one.

What is inside of a function is exchanged in a session of pytest that has read all tests
already, and runs those alone that reach the place. A table is assigned again there, with
what is made of it. The rest of what is done on import needs a session of its own.
"""

from __future__ import annotations

import ast
import enum
import functools
import gc
import importlib
import importlib.abc
import importlib.machinery
import json
import mmap
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.mutants.mutations import Mutant, code_of, mutants
from tests.mutants.targets import Target

# Of processor time, so that a busy machine kills no mutant: a loop without end is one
# that took so many times what the same tests take, and a session is begun in this many.
TIMES_AS_LONG, SECONDS_MORE = 5, 1
MEMORY_BYTES = 4 << 30
# Exit statuses of a trial that failed by itself, and of one that needs its own session.
_OF_OUR_OWN, _NOT_HERE = 3, 4
_NONE_RUNS = b"\xff" * 4

_PLUGINS = ("django", "xdist", "playwright", "cacheprovider", "schemathesis")


class Outcome(enum.Enum):
    KILLED = "killed"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Tried:
    mutant: Mutant
    outcome: Outcome


class TestsFail(Exception):
    """They have to succeed on the module as it is."""


# Says one thing to the process that waits for it.
Tell = Callable[[Any], None]
Chosen = Callable[[], Iterator[tuple[int, Mutant, ast.Module]]]


def siblings(target: Target) -> dict[str, str]:
    """Return, for each member of an enumeration that the module writes, the next one."""

    def told(tell: Tell) -> None:
        module = importlib.import_module(target.module)
        tell(_siblings(ast.parse(target.path.read_text("utf-8")), module))

    (found,) = _told_in_a_fork(told)
    return found


def _siblings(tree: ast.Module, module: ModuleType) -> dict[str, str]:
    written = {
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Name, ast.Attribute))
    }
    members = {
        text: value
        for text in written
        if isinstance(value := _value(module, text), enum.Enum)
    }
    found = {}
    for text, member in members.items():
        others = list(type(member))
        other = others[(others.index(member) + 1) % len(others)]
        of_class, _, _ = text.rpartition(".")
        if of_class:
            found[text] = f"{of_class}.{other.name}"
        elif names := [name for name, value in members.items() if value is other]:
            found[text] = min(names)
    return found


def _value(module: ModuleType, text: str) -> object:
    first, *rest = text.split(".")
    value = getattr(module, first, None)
    for name in rest:
        value = getattr(value, name, None)
    return value


def tried(
    target: Target, chosen: Callable[[Mutant], bool] = lambda mutant: True
) -> Iterator[Tried]:
    """Yield what became of each mutant. Raises TestsFail."""
    source = target.path.read_text("utf-8")
    others = siblings(target)

    def chosen_mutants() -> Iterator[tuple[int, Mutant, ast.Module]]:
        for place, (mutant, tree) in enumerate(mutants(source, others)):
            if chosen(mutant):
                yield place, mutant, tree

    told = _told_in_a_fork(
        lambda tell: _Exchange(target, chosen_mutants, ast.parse(source)).session(tell)
    )
    first = next(told)
    if first["failed"]:
        raise TestsFail(f"{target.name}: {', '.join(first['failed'])}")
    on_import, seconds = set(first["on_import"]), first["seconds"]
    later = set()
    for (place, mutant, _tree), said in zip(chosen_mutants(), told, strict=True):
        # What a function gave on import, it gave before it was exchanged.
        is_done = mutant.is_on_import or not on_import & set(mutant.lines)
        if said == "killed" or (said and is_done):
            yield Tried(mutant, Outcome(said))
        else:
            later.add(place)
    for place, mutant, tree in chosen_mutants():
        if place in later:
            outcome = _tried_on_import(target, tree, seconds)
            yield Tried(mutant, outcome)


def _pytest(target: Target, plugin: object) -> int:
    out = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.chdir(target.root)
    return pytest.main(
        [
            *("-p" + f"no:{name}" for name in _PLUGINS),
            *target.tests,
        ],
        plugins=[plugin],
    )


# On import


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, target: Target, code: CodeType) -> None:
        self._target = target
        self._code = code

    def find_spec(
        self, name: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._target.module:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(self._target.path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._target.path)
        exec(self._code, module.__dict__)  # noqa: S102


def _keep_examples(items: list[pytest.Item]) -> None:
    """Leave properties out: a mutant that only chance finds is one that may be missed,
    and what has no example cannot be read."""
    items[:] = [
        item
        for item in items
        if not getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    ]


class _FirstFailure:
    """Ends the process with 1 as soon as anything fails; the quickest tests first."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        _keep_examples(items)
        items.sort(key=lambda item: self._seconds.get(item.nodeid, 0.0))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            os._exit(1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)


def _tried_on_import(
    target: Target, tree: ast.Module, seconds: dict[str, float]
) -> Outcome:
    def session() -> int:
        try:
            code = code_of(tree, str(target.path))
        except (SyntaxError, ValueError):
            return 1
        sys.meta_path.insert(0, _Changed(target, code))
        return 1 if _pytest(target, _FirstFailure(seconds)) else 0

    # The session itself takes its time beside the tests.
    outcome = _outcome(session, 2 + sum(seconds.values()))
    assert outcome
    return outcome


# Inside of functions


class _Exchange:
    """Runs, instead of all tests, those that reach each mutant."""

    def __init__(self, target: Target, chosen: Chosen, tree: ast.Module) -> None:
        self._target = target
        self._path = str(target.path)
        self._chosen = chosen
        self._uses = _Uses(tree)
        self._failed: list[str] = []
        self._on_import: set[int] = set()
        # By test
        self._lines: dict[str, set[int]] = {}
        self._seconds: dict[str, float] = {}
        # The place of the test that runs, which a trial leaves for who waits for it.
        self._running = mmap.mmap(-1, len(_NONE_RUNS))
        # By statement
        self._assignable: dict[int, bool] = {}

    def session(self, tell: Tell) -> None:
        """Say which tests fail or what they reach, and then of each mutant what became
        of it; nothing of those that can only be tried on import."""
        self._tell = tell
        sys.settrace(_tracer(self._path, self._on_import))
        status = _pytest(self._target, self)
        if self._failed or status:
            tell({"failed": self._failed or [f"status {status} of pytest"]})

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        _keep_examples(items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._failed.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        sys.settrace(None)
        # Before the freeze, which hides them.
        self._functions = _functions(self._path)
        gc.collect()
        gc.freeze()
        for item in session.items:
            (told,) = _told_in_a_fork(functools.partial(self._measured, item))
            if told["failed"]:
                self._failed.append(item.nodeid)
            self._lines[item.nodeid] = set(told["lines"])
            self._seconds[item.nodeid] = told["seconds"]
        if not self._failed and not session.testsfailed:
            on_import = sorted(self._on_import)
            self._tell({"failed": [], "on_import": on_import, "seconds": self._seconds})
            session.config.pluginmanager.register(_FirstFailure(self._seconds))
            self._try_all(session.items)
        return True

    def _measured(self, item: pytest.Item, tell: Tell) -> None:
        lines: set[int] = set()
        reports = _Reports()
        item.config.pluginmanager.register(reports)
        began = time.process_time()
        sys.settrace(_tracer(self._path, lines))
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        sys.settrace(None)
        seconds = time.process_time() - began
        tell({"failed": reports.failed, "lines": sorted(lines), "seconds": seconds})

    def _try_all(self, items: Sequence[pytest.Item]) -> None:
        quickest = sorted(items, key=lambda item: self._seconds[item.nodeid])
        for _place, mutant, tree in self._chosen():
            if not mutant.is_on_import:
                those = self._reaching(quickest, set(mutant.lines))
                work = functools.partial(self._exchanged, tree, those)
            elif self._can_be_assigned(mutant.statement, quickest):
                first = self._reaching(quickest, self._uses.lines(mutant.statement))
                those = [*first, *(item for item in quickest if item not in first)]
                changed = tree.body[mutant.statement :]
                work = functools.partial(self._assigned, changed, those)
            else:
                self._tell(None)
                continue
            seconds = sum(self._seconds[item.nodeid] for item in those)
            self._running[:] = _NONE_RUNS
            outcome = _outcome(work, seconds)
            if outcome is Outcome.KILLED and self._running[:] != _NONE_RUNS:
                # What has noticed this one may notice the next.
                killer = those[int.from_bytes(self._running, "big")]
                quickest.remove(killer)
                quickest.insert(0, killer)
            self._tell(outcome and outcome.value)

    def _reaching(self, items: list[pytest.Item], lines: set[int]) -> list[pytest.Item]:
        return [item for item in items if lines & self._lines[item.nodeid]]

    def _can_be_assigned(self, statement: int, items: Sequence[pytest.Item]) -> bool:
        """Whether the tests succeed when the same is assigned once more."""
        if statement not in self._assignable:
            body = self._uses.tree.body[statement:]
            again = functools.partial(self._assigned, body, items)
            seconds = sum(self._seconds.values())
            self._assignable[statement] = (
                self._uses.is_assigned_alone(statement)
                and _outcome(again, seconds) is Outcome.SURVIVED
            )
        return self._assignable[statement]

    def _exchanged(self, tree: ast.Module, items: Sequence[pytest.Item]) -> int:
        try:
            code = code_of(tree, self._path)
        except SyntaxError:
            return 1
        for one in _codes(code):
            key = one.co_qualname, one.co_firstlineno
            for function in self._functions.get(key, []):
                if function.__code__.co_freevars != one.co_freevars:
                    # It was made on import, around names that are used no more.
                    return _NOT_HERE
                function.__code__ = one
        return self._run(items)

    def _assigned(self, body: list[ast.stmt], items: Sequence[pytest.Item]) -> int:
        """What follows may be made of what is changed, and is assigned again too."""
        again = [one for one in body if isinstance(one, (ast.Assign, ast.AnnAssign))]
        try:
            code = code_of(ast.Module(again, []), self._path)
        except (SyntaxError, ValueError):
            return 1
        names = vars(sys.modules[self._target.module])
        before = dict(names)
        try:
            exec(code, names)  # noqa: S102
        except Exception:  # noqa: BLE001
            # The module could not be imported.
            return 1
        for name, old in before.items():
            if names[name] is not old:
                _rename_everywhere(name, old, names[name], str(self._target.root))
        return self._run(items)

    def _run(self, items: Sequence[pytest.Item]) -> int:
        for place, (item, following) in enumerate(zip_longest(items, items[1:])):
            self._running[:] = place.to_bytes(len(_NONE_RUNS), "big")
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return 0


def _rename_everywhere(name: str, old: object, new: object, root: str) -> None:
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        if names.get(name) is old and str(names.get("__file__")).startswith(root):
            names[name] = new


class _Uses:
    """Where the names are read that a module assigns."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._inside: dict[str, set[int]] = {}
        self._on_import: set[str] = set()
        for statement in tree.body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                self._read(statement, is_inside=False)

    def _read(self, node: ast.AST, *, is_inside: bool) -> None:
        if isinstance(node, ast.Name):
            if is_inside:
                self._inside.setdefault(node.id, set()).add(node.lineno)
            else:
                self._on_import.add(node.id)
        for name, value in ast.iter_fields(node):
            within = is_inside or (isinstance(node, ast.FunctionDef) and name == "body")
            if name in ("annotation", "returns"):
                continue
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, ast.AST):
                    self._read(one, is_inside=within)

    def is_assigned_alone(self, statement: int) -> bool:
        """Whether it assigns names that no function or class is made of."""
        one = self.tree.body[statement]
        is_assignment = isinstance(one, (ast.Assign, ast.AnnAssign))
        return is_assignment and not self._on_import & _names(one)

    def lines(self, statement: int) -> set[int]:
        """Return those, inside of functions, that read a name of it or of one made of it."""
        names: set[str] = set()
        for one in self.tree.body[statement:]:
            if isinstance(one, (ast.Assign, ast.AnnAssign)):
                read = {n.id for n in ast.walk(one) if isinstance(n, ast.Name)}
                if one is self.tree.body[statement] or read & names:
                    names |= _names(one)
        return set().union(*(self._inside.get(name, set()) for name in names))


def _names(assignment: ast.stmt) -> set[str]:
    return {
        node.id
        for node in ast.walk(assignment)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


class _Reports:
    def __init__(self) -> None:
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed


def _tracer(path: str, lines: set[int]) -> Callable[..., Any]:
    def inside(frame: FrameType, event: str, arg: object) -> Any:
        lines.add(frame.f_lineno)
        return inside

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename != path:
            return None
        if frame.f_code.co_name != "<module>":
            lines.add(frame.f_lineno)
        return inside if frame.f_code.co_name != "<module>" else None

    return trace


def _functions(path: str) -> dict[tuple[str, int], list[FunctionType]]:
    found: dict[tuple[str, int], list[FunctionType]] = {}
    for one in gc.get_objects():
        # Not isinstance, for which lazy objects are made what they stand for.
        if type(one) is FunctionType and one.__code__.co_filename == path:
            key = one.__code__.co_qualname, one.__code__.co_firstlineno
            found.setdefault(key, []).append(one)
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


# Processes


def _outcome(work: Callable[[], int], seconds: float) -> Outcome | None:
    """Return what became of the mutant that `work` runs the tests on, None when it could
    not: killed where the process ends with 1 or is ended for its time."""
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            limit = SECONDS_MORE + TIMES_AS_LONG * seconds
            signal.setitimer(signal.ITIMER_PROF, limit)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            os._exit(work())
        finally:
            # Whatever it raised: this process must not go on as a second parent.
            os._exit(_OF_OUR_OWN)
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    if ended == _OF_OUR_OWN:
        raise RuntimeError("a trial ended by an error that is no test's")
    if ended == _NOT_HERE:
        return None
    return Outcome.SURVIVED if status == 0 else Outcome.KILLED


def _told_in_a_fork(work: Callable[[Tell], None]) -> Iterator[Any]:
    """Yield what it tells there: this process stays as it is."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "w", buffering=1, encoding="utf-8") as pipe:
                work(lambda said: print(json.dumps(said), file=pipe))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        yield from map(json.loads, pipe)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError("a session of the tests ended before its time")
