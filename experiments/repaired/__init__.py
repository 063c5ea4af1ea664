"""Column-signed networks whose weights start with a repaired spectrum, against all others."""
