"""Imports a program without garbage collection, as what they make stays.

A program imports this first; `shared.lifecycle.main` turns collection on again.
"""

import gc

gc.disable()
