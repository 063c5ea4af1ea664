"""The commands of ``dalejax``: one dataclass each, its fields are the options, ``run`` does it.

Only the standard library, tyro and the package itself are imported before a command runs.
"""
