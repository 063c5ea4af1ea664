"""Which module may import which; the rules are in ``helpers/import_floors.py``."""
