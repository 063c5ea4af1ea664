"""Turn docstrings that have Sphinx' directives and roles into Markdown."""

import inspect
import pydoc
import re

import griffe

_MATH = re.compile(r"^( *)\.\. math::[ \n]*(.*(?:\n\1 +\S.*)*)", re.M)
_ROLE = re.compile(r":(?:class|data|func|meth|mod|attr):`([^`]+)`")


def markdown(text: str) -> str:
    """Turn directives and roles into Markdown."""
    text = _MATH.sub(r"\1$$\n\1\2\n\1$$\n", text)
    text = re.sub(r":math:`([^`]+)`", r"$\1$", text)
    text = _ROLE.sub(_link, text)
    text = re.sub(r"^ *::\n", "", text, flags=re.M)
    text = re.sub(r"::$", ":", text, flags=re.M)
    return re.sub(r"^Example:$", "Examples:", text, flags=re.M)


def _link(match):
    name = match[1].removeprefix("~")
    return f'<autoref optional identifier="{name}"><code>{name}</code></autoref>'


# Fields that every Flax module has, and that users do not pass.
_FLAX = ("parent", "name")


class Docstrings(griffe.Extension):
    """Rewrite every docstring before it is parsed; give Flax modules their signature."""

    def on_class(self, *, cls, **_):
        """Add the constructor that ``dataclass`` makes, which is not in the source."""
        made = pydoc.locate(cls.path)
        if "__init__" in cls.members or not hasattr(made, "__dataclass_fields__"):
            return
        assert isinstance(made, type)
        parameters = [
            griffe.Parameter(
                p.name,
                kind=griffe.ParameterKind[p.kind.name.lower()],
                default=None if p.default is p.empty else repr(p.default),
            )
            for p in inspect.signature(made).parameters.values()
            if p.name not in _FLAX
        ]
        cls.set_member(
            "__init__", griffe.Function("__init__", parameters=griffe.Parameters(*parameters))
        )

    def on_instance(self, *, obj, **_):
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)
