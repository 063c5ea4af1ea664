"""The commands of the program ``dalejax``.

A command is a dataclass: its fields are the options, its method ``run`` does the work. Before a
command runs, only the standard library, tyro and light modules of dalejax are imported.
"""
