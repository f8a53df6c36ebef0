"""Loading official SDKs without what this agent never calls.

`import anthropic` runs 3,100 modules, for every API there is and for other companies'
clouds, `import openai` 900; an agent may take 80 MB in all. So packages that only
gather names from the modules below them get a name when somebody asks for it, what this
agent never calls is empty, and clients over aiohttp are as if it was not installed.
That takes 20 MB and half of the time off (docs/decisions/0019).
"""

import importlib
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

__all__ = ["load_lean"]

_SDKS = frozenset({"anthropic", "openai"})
_GATHERING = ("anthropic.types", "anthropic.resources", "openai.types")
_NEVER_CALLED = tuple(
    f"anthropic.{name}"
    for name in (
        *("lib.aws", "lib.bedrock", "lib.foundry", "lib.google_cloud", "lib.vertex"),
        *("lib.streaming", "lib.tools", "types.beta"),
    )
)
_AIOHTTP = ("anthropic._vendor.httpx_aiohttp", "openai._vendor.httpx_aiohttp")
_IMPORT = re.compile(r"^from (\.[\w.]+) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
_NAME = re.compile(r"(?:(\w+) as )?(\w+)(?=,|\s*\)|$)", re.MULTILINE)


def load_lean() -> None:
    """Make the first import of an SDK a lean one; a later call changes nothing."""
    if _SDKS.isdisjoint(sys.modules):
        sys.meta_path.insert(0, _Lean())


class _Lean(MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if _is_below(fullname, _NEVER_CALLED):
            return ModuleSpec(fullname, _Empty(), is_package=True)
        if fullname in _AIOHTTP:
            raise ModuleNotFoundError(fullname, name=fullname)
        if not _is_below(fullname, _GATHERING):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec.loader = _Gathering(fullname, str(spec.origin))
        return spec


class _Empty(Loader):
    """Makes a module in which every name is None."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__getattr__"] = _nothing


class _Gathering(SourceFileLoader):
    """Makes a package whose names are imported when they are first asked for."""

    def exec_module(self, module: ModuleType) -> None:
        source = self.get_data(self.path).decode()
        places = {
            alias: (place, name or alias)
            for place, names in _IMPORT.findall(source)
            for name, alias in _NAME.findall(names)
        }

        def gathered(name: str) -> Any:
            if name not in places:
                raise AttributeError(name)
            place, original = places[name]
            return getattr(importlib.import_module(place, module.__name__), original)

        vars(module)["__getattr__"] = gathered


def _nothing(name: str) -> None:
    if name.startswith("__"):
        raise AttributeError(name)


def _is_below(fullname: str, packages: Sequence[str]) -> bool:
    return any(f"{fullname}.".startswith(f"{package}.") for package in packages)
