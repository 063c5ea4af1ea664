"""Recurrent cells: each is a parameterisation of the effective weights (U, W, b)."""
