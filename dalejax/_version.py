"""The version of dalejax, in a separate module so that build tools read it without imports."""

__version__ = "0.1.0"
