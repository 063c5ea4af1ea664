"""Recurrent cells, and the dense layers that belong to them, one idea a file."""
