"""Reads arrays, lists, texts and numbers from a pickle without unpickling it: no name in the file is ever called.

`pickle.load` runs whatever code a file names. This reader walks the opcodes of the file, as `pickletools` lists them,
and knows only those that build plain data. The few names that NumPy's arrays need are recognised as text.
"""

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODULES = ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric", "numpy")
NAMES = {(module, name) for module in MODULES for name in ("_reconstruct", "scalar", "_frombuffer", "ndarray", "dtype")}
NAMES |= {("_codecs", "encode"), ("__builtin__", "bytes"), ("builtins", "bytes")}
"""The names that arrays and bytes are stored with."""
KINDS = "biufSU"
"""Kinds of dtypes that are plain data. Objects are allowed only as lists of texts and numbers."""
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
VALUES = (
    "INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
)  # fmt: skip
"""Opcodes that carry a number, text or bytes."""
IGNORED = ("PROTO", "FRAME", "STOP")
EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}


class NotPlain(Exception):
    """The file contains something else than plain data, or is damaged. The message says what."""


@dataclass
class _Name:
    module: str
    name: str


@dataclass
class _Type:
    """A dtype: its code, such as u1, and its byte order."""

    code: str
    order: str = "="

    def to_numpy(self) -> np.dtype[Any]:
        found = np.dtype(self.code.removeprefix("|"))
        if found.kind not in KINDS + "O":
            raise NotPlain(f"it holds an array of {found}")
        return found.newbyteorder(self.order if self.order in "<>=" else "=")  # type: ignore[arg-type]


@dataclass
class _Array:
    """An array whose content follows in the file."""

    value: NDArray[Any] | None = None


class _Mark: ...


def load(data: bytes) -> Any:
    """The value in a pickle: a dictionary, list, array, text or number. Raises NotPlain for anything else."""
    try:
        return _plain(_Machine().run(data))
    except NotPlain:
        raise
    except Exception as error:  # damaged files raise almost any exception in pickletools and NumPy
        raise NotPlain(f"it is damaged: {error or type(error).__name__}") from None


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(data):
            name = opcode.name
            if name in VALUES:
                of_python_2 = name in ("STRING", "BINSTRING", "SHORT_BINSTRING") and isinstance(argument, str)
                self.stack.append(str(argument).encode("latin-1") if of_python_2 else argument)
            elif name in CONSTANTS:
                self.stack.append(CONSTANTS[name])
            elif name in EMPTY:
                self.stack.append(EMPTY[name]())
            elif name == "GLOBAL":
                self.stack.append(_name(*str(argument).split(" ", 1)))
            elif name not in IGNORED:
                self._step(name, argument)
        (found,) = self.stack
        return found

    def _step(self, name: str, argument: Any) -> None:
        step = getattr(self, f"_do_{name.lower()}", None)
        if step is None:
            raise NotPlain(f"it needs the opcode {name}, which plain data do not need")
        step(argument)

    def _to_mark(self) -> list[Any]:
        at = len(self.stack) - 1 - next(i for i, item in enumerate(reversed(self.stack)) if isinstance(item, _Mark))
        found = self.stack[at + 1 :]
        del self.stack[at:]
        return found

    def _tuple_of(self, count: int) -> None:
        found = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(found)

    def _do_mark(self, _: Any) -> None:
        self.stack.append(_Mark())

    def _do_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._to_mark()))

    def _do_tuple1(self, _: Any) -> None:
        self._tuple_of(1)

    def _do_tuple2(self, _: Any) -> None:
        self._tuple_of(2)

    def _do_tuple3(self, _: Any) -> None:
        self._tuple_of(3)

    def _do_list(self, _: Any) -> None:
        self.stack.append(self._to_mark())

    def _do_dict(self, _: Any) -> None:
        self.stack.append(_paired(self._to_mark()))

    def _do_append(self, _: Any) -> None:
        item = self.stack.pop()
        _a(list, self.stack[-1]).append(item)

    def _do_appends(self, _: Any) -> None:
        items = self._to_mark()
        _a(list, self.stack[-1]).extend(items)

    def _do_setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _a(dict, self.stack[-1])[key] = value

    def _do_setitems(self, _: Any) -> None:
        items = self._to_mark()
        _a(dict, self.stack[-1]).update(_paired(items))

    def _do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _do_put(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    _do_binput = _do_long_binput = _do_put

    def _do_get(self, number: int) -> None:
        self.stack.append(self.memo[number])

    _do_binget = _do_long_binget = _do_get

    def _do_pop(self, _: Any) -> None:
        self.stack.pop()

    def _do_stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(_name(module, name))

    def _do_reduce(self, _: Any) -> None:
        arguments, called = _a(tuple, self.stack.pop()), _a(_Name, self.stack.pop())
        self.stack.append(_made(called, arguments))

    def _do_build(self, _: Any) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        if isinstance(built, _Type):
            built.order = str(_text(state[1]))
        elif isinstance(built, _Array):
            _, shape, dtype, fortran, content = state
            built.value = _filled(content, dtype, shape, "F" if fortran else "C")
        else:
            raise NotPlain("it builds an object")


def _name(module: str, name: str) -> _Name:
    if (module, name) not in NAMES:
        raise NotPlain(f"it names {module}.{name}"[:100] + ", which would have to be imported")
    return _Name(module, name)


def _made(called: _Name, arguments: tuple[Any, ...]) -> Any:
    """The plain value that one of NAMES stands for."""
    if called.name == "_reconstruct":
        return _Array()
    if called.name == "dtype":
        return _Type(_text(arguments[0]))
    if called.name == "_frombuffer":
        content, dtype, shape, order = arguments
        return _Array(_filled(content, dtype, shape, order))
    if called.name == "scalar":
        return _filled(arguments[1], arguments[0], (), "C")[()]
    if called.name == "encode":
        return str(arguments[0]).encode("latin-1")
    if called.name == "bytes" and not arguments:
        return b""
    raise NotPlain(f"it calls {called.module}.{called.name}")


def _filled(content: Any, dtype: Any, shape: tuple[int, ...], order: str) -> NDArray[Any]:
    kind = _a(_Type, dtype).to_numpy()
    if kind.kind == "O":
        return np.array([_simple(item) for item in _a(list, content)], dtype=str).reshape(shape)
    if not isinstance(content, bytes | bytearray) or prod(shape) * kind.itemsize != len(content):
        raise NotPlain("an array is shorter or longer than its shape")
    found = np.frombuffer(bytearray(content), kind)
    return found.reshape(shape, order="F" if order == "F" else "C")


def _plain(value: Any) -> Any:
    """The value without placeholders; dictionaries have texts as keys."""
    if isinstance(value, dict):
        return {str(_text(_simple(key))): _inner(item) for key, item in value.items()}
    return _inner(value)


def _inner(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_simple(item) for item in value]
    return _simple(value)


def _simple(value: Any) -> Any:
    if isinstance(value, _Array):
        if value.value is None:
            raise NotPlain("an array has no content")
        return value.value
    if isinstance(value, str | bytes | bytearray | int | float | np.generic | np.ndarray | None):
        return value
    raise NotPlain(f"it holds a {type(value).__name__.strip('_')} inside another")


def _paired(items: list[Any]) -> dict[Any, Any]:
    found: Iterator[Any] = iter(items)
    return dict(zip(found, found, strict=True))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _a(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise NotPlain(f"it holds a {type(value).__name__} where a {kind.__name__} belongs")
    return value
