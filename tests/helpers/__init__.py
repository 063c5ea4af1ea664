"""What tests of several folders share: NumPy references, small runs, data files, import rules."""

from helpers.reference import typechecked

__all__ = ["typechecked"]
