"""LaTeX becomes MathML while the site is built: browsers draw it without a script."""

import html
import re

from latex2mathml.converter import convert

# What pymdownx.arithmatex leaves: \(…\) inline, \[…\] on lines of their own.
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.S)


def on_page_content(content, **_):
    return _FORMULA.sub(_mathml, content)


def _mathml(match):
    tag, opening, latex = match.groups()
    display = "block" if opening == "[" else "inline"
    return f"<{tag}>{convert(' '.join(html.unescape(latex).split()), display=display)}</{tag}>"
