"""Imports a program without what takes time then and serves nothing.

A program imports this first; `shared.lifecycle.main` turns garbage collection on again.
"""

import gc
import sys

gc.disable()  # what imports make stays

# structlog loads it, if it is there, to draw tracebacks; no service of ours draws any.
sys.modules["rich"] = None  # type: ignore[assignment] # an import of it fails
