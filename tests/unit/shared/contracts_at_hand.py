"""Every contract there is, found by walking the package."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any, TypeVar

import shared.contracts
from shared.contracts.base import Endpoint, Message, Signal, Topic

__all__ = ["ENDPOINTS", "MESSAGES", "MODULES", "SIGNALS", "TOPICS"]

ContractT = TypeVar("ContractT")

MODULES: tuple[ModuleType, ...] = tuple(
    importlib.import_module(f"shared.contracts.{each.name}")
    for each in pkgutil.iter_modules(shared.contracts.__path__)
)


def _all(kind: type[ContractT]) -> tuple[ContractT, ...]:
    found: list[ContractT] = []
    for module in MODULES:
        found += (
            value
            for value in vars(module).values()
            if isinstance(value, kind) and value not in found
        )
    return tuple(found)


def _subclasses(kind: type[Message]) -> set[type[Message]]:
    children = set(kind.__subclasses__())
    return children.union(*map(_subclasses, children))


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = _all(Endpoint)
SIGNALS: tuple[Signal[Any], ...] = _all(Signal)
TOPICS: tuple[Topic[Any], ...] = _all(Topic)
MESSAGES: tuple[type[Message], ...] = tuple(
    sorted(
        (
            each
            for each in _subclasses(Message)
            if each.__module__.startswith("shared.contracts.")
            and not each.__name__.startswith("_")
            and not each.__pydantic_generic_metadata__["args"]
            and not each.__pydantic_generic_metadata__["parameters"]
        ),
        key=lambda each: (each.__module__, each.__name__),
    )
)
"""All that crosses the wire, but for pages, which hold others of them."""
