"""What is changed: one place of a module at a time, in its syntax tree.

A mutant is known by the text around it before and after, in its function: it keeps its
name when lines move.
"""

from __future__ import annotations
import __future__

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from types import CodeType


@dataclass(frozen=True, slots=True)
class Mutant:
    """`place` is the outermost function around it, or else the name that is given a
    value; `nth` counts those of a place that read alike. `lines` are those around it,
    `statement` is the number of the module's statement."""

    place: str
    was: str
    now: str
    nth: int
    lines: range
    statement: int
    is_on_import: bool

    @property
    def name(self) -> str:
        nth = f" (nth = {self.nth})" if self.nth > 1 else ""
        return f"{self.place}: {self.was}  →  {self.now}{nth}"


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a node hangs in its tree."""

    parent: ast.AST
    field: str
    index: int | None

    def get(self) -> ast.AST:
        value = getattr(self.parent, self.field)
        return value if self.index is None else value[self.index]

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


@dataclass(frozen=True, slots=True)
class _Site:
    """`shown` is what is printed of its surroundings, `table` whether it stands in a
    display outside of every function."""

    slot: _Slot
    place: str
    shown: _Slot
    table: bool
    statement: int
    is_on_import: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """`was` and `now` where the surroundings are too long to be shown."""

    node: ast.AST
    was: str = ""
    now: str = ""


_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_DISPLAYS = (ast.Tuple, ast.List, ast.Set, ast.Dict)
# What says nothing of what the program does.
_NOT_CHANGED = {
    ast.AnnAssign: ("annotation",),
    ast.arg: ("annotation",),
    ast.FunctionDef: ("returns", "decorator_list"),
    ast.ClassDef: ("bases", "keywords", "decorator_list"),
}


def mutants(
    source: str, siblings: Mapping[str, str]
) -> Iterator[tuple[Mutant, ast.Module]]:
    """Yield each mutant with the changed tree, which is this mutant's until the next.

    `siblings` gives for a member of an enumeration, as it is written, another one.
    """
    tree = ast.parse(source)
    seen: Counter[tuple[str, str, str]] = Counter()
    for site in _sites(tree):
        node = site.slot.get()
        for change in _changes(site, siblings):
            was, lines = change.was or _text(site.shown), _lines(site.shown)
            site.slot.put(ast.fix_missing_locations(_at(change.node, node)))
            now = change.now or _text(site.shown)
            key = site.place, was, now
            seen[key] += 1
            nth = seen[key]
            yield Mutant(*key, nth, lines, site.statement, site.is_on_import), tree
            site.slot.put(node)


def code_of(tree: ast.Module, path: str) -> CodeType:
    flags = __future__.annotations.compiler_flag
    return compile(tree, path, "exec", flags, dont_inherit=True)


def _at(changed: ast.AST, node: ast.AST) -> ast.AST:
    return ast.copy_location(changed, node)


def _text(slot: _Slot) -> str:
    node = slot.get()
    if isinstance(node, ast.FunctionDef):
        return f"def {node.name}({ast.unparse(node.args)})"
    if isinstance(slot.parent, ast.Dict) and slot.index is not None:
        key, value = slot.parent.keys[slot.index], slot.parent.values[slot.index]
        return f"{ast.unparse(key) if key else '**'}: {ast.unparse(value)}"
    return ast.unparse(node)


def _lines(slot: _Slot) -> range:
    node = slot.get()
    first = node.lineno
    if isinstance(node, ast.FunctionDef):
        return range(first, node.body[0].lineno)
    return range(first, (node.end_lineno or first) + 1)


def _sites(tree: ast.Module) -> Iterator[_Site]:
    for index in range(len(tree.body)):
        slot = _Slot(tree, "body", index)
        yield from _within(_Site(slot, "", slot, False, index, True), ())


def _within(site: _Site, names: tuple[str, ...]) -> Iterator[_Site]:
    """Yield this place and those in it; `names` are those of the classes around it."""
    node = site.slot.get()
    if _is_alias_of_types(node) or _is_docstring(node):
        return
    if isinstance(node, ast.ClassDef) and "enum.Enum" in map(ast.unparse, node.bases):
        # Members are told apart by what they are; their values come out in JSON alone,
        # which the tests of the contract read.
        return
    if _is_shown_alone(site):
        site = replace(site, shown=site.slot)
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        names = (*names, node.name)
    if site.is_on_import and (name := _named(node, names)):
        site = replace(site, place=name)
    yield site
    for field, value in ast.iter_fields(node):
        if field in _NOT_CHANGED.get(type(node), ()):
            continue
        is_body = isinstance(node, ast.FunctionDef) and field == "body"
        on_import = site.is_on_import and not is_body
        table = on_import and (site.table or isinstance(node, _DISPLAYS))
        inner = replace(site, table=table, is_on_import=on_import)
        for index, one in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(one, ast.AST):
                at = index if isinstance(value, list) else None
                yield from _within(replace(inner, slot=_Slot(node, field, at)), names)


def _named(node: ast.AST, names: tuple[str, ...]) -> str:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return ".".join(names)
    if isinstance(node, ast.Assign):
        return ".".join((*names, ast.unparse(node.targets[0])))
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return ".".join((*names, ast.unparse(node.target)))
    return ""


def _is_shown_alone(site: _Site) -> bool:
    node, parent, field = site.slot.get(), site.slot.parent, site.slot.field
    # What a compound statement asks is shown without what it then does.
    compound = (ast.If, ast.While, ast.For, ast.With, ast.Try)
    is_head = isinstance(parent, compound) and isinstance(node, ast.expr)
    is_entry = site.table and isinstance(parent, _DISPLAYS) and field != "ctx"
    return isinstance(node, ast.stmt) or is_head or is_entry


def _is_alias_of_types(node: ast.AST) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
        of = node.value.value
        return isinstance(of, ast.Name) and of.id in ("Callable", "Sequence", "tuple")
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        return ast.unparse(node.value.func) == "TypeVar"
    return False


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _changes(site: _Site, siblings: Mapping[str, str]) -> Iterator[_Change]:
    yield from map(_Change, _other_nodes(site, siblings))
    yield from _other_rows(site)


def _other_nodes(site: _Site, siblings: Mapping[str, str]) -> Iterator[ast.AST]:
    node = site.slot.get()
    match node:
        case ast.Constant():
            yield from _other_constants(node, site.slot.parent)
        case ast.Name() | ast.Attribute() if isinstance(node.ctx, ast.Load):
            if other := siblings.get(ast.unparse(node)):
                yield ast.parse(other, mode="eval").body
        case ast.Compare(left, operators, others):
            for place, operator in enumerate(operators):
                for other in _COMPARED[type(operator)]:
                    changed = [*operators[:place], other(), *operators[place + 1 :]]
                    yield ast.Compare(left, changed, others)
        case ast.BinOp(left, operator, right):
            yield ast.BinOp(left, _COMPUTED[type(operator)](), right)
        case ast.AugAssign(target, operator, value):
            yield ast.AugAssign(target, _COMPUTED[type(operator)](), value)
        case ast.BoolOp(operator, values):
            other = ast.And() if isinstance(operator, ast.Or) else ast.Or()
            yield ast.BoolOp(other, values)
            for place in range(len(values)):
                rest = [*values[:place], *values[place + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.Return(value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Expr():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.Call(called, arguments, keywords) if keywords:
            for place in range(len(keywords)):
                rest = [*keywords[:place], *keywords[place + 1 :]]
                yield ast.Call(called, arguments, rest)
    if _is_condition(site) and not isinstance(node, (ast.Compare, ast.UnaryOp)):
        yield ast.UnaryOp(ast.Not(), node)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_condition(site: _Site) -> bool:
    parent, field = site.slot.parent, site.slot.field
    if isinstance(parent, (ast.If, ast.IfExp, ast.While)):
        return field == "test"
    return isinstance(parent, ast.comprehension) and field == "ifs"


def _other_constants(node: ast.Constant, parent: ast.AST) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        if value > 0:
            yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield ast.Constant(round(value * 1.1, 6) if value else 1.0)
        if value:
            yield ast.Constant(round(value * 0.9, 6))
    elif isinstance(value, str):
        # A sentence is for who reads it; a code has no space.
        if not (_is_message(parent) and " " in value):
            yield ast.Constant(value + "X")
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"X")


def _is_message(parent: ast.AST) -> bool:
    """Of an exception of Python or of ours."""
    if isinstance(parent, ast.JoinedStr):
        return True
    return isinstance(parent, ast.Call) and ast.unparse(parent.func).endswith("Error")


def _other_rows(site: _Site) -> Iterator[_Change]:
    """A table without one of its rows, and with two that follow each other exchanged.

    Not of words: one left out is as good as a changed one, and they have no order.
    """
    node, parent = site.slot.get(), site.slot.parent
    is_unpacked = isinstance(parent, ast.Assign) and isinstance(
        parent.targets[0], ast.Tuple
    )
    if (
        not site.is_on_import
        or is_unpacked
        or isinstance(parent, (ast.Tuple, ast.List))
    ):
        return
    match node:
        case ast.Tuple(rows, ast.Load()) | ast.List(rows, ast.Load()):
            if len(rows) < 2 or all(isinstance(row, ast.Constant) for row in rows):
                return
            for place, row in enumerate(rows):
                rest = [*rows[:place], *rows[place + 1 :]]
                changed = type(node)(rest, ast.Load())
                yield _Change(changed, ast.unparse(row), "(left out)")
            for place, (row, other) in enumerate(pairwise(rows)):
                rest = [*rows[:place], other, row, *rows[place + 2 :]]
                changed = type(node)(rest, ast.Load())
                yield _Change(
                    changed,
                    f"{ast.unparse(row)}, {ast.unparse(other)}",
                    f"{ast.unparse(other)}, {ast.unparse(row)}",
                )
