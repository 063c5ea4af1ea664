"""Figures from arrays and tables: each function returns a Matplotlib `Figure`; `save` writes it.

Nothing here uses pyplot or changes rcParams. Matplotlib comes with the extra ``analysis``.
"""

from dalejax.plots import _backend as _backend
from dalejax.plots.activity import trajectories
from dalejax.plots.curves import learning_curves
from dalejax.plots.dots import final_dots
from dalejax.plots.effects import Comparison, Effect, effect_bars
from dalejax.plots.files import save
from dalejax.plots.heat_maps import maps
from dalejax.plots.matrices import signed_matrices
from dalejax.plots.pictures import examples
from dalejax.plots.spectra import eigenvalue_plane, quarter_circle_density, singular_histograms
from dalejax.plots.style import DOUBLE, EXCITATORY, INHIBITORY, SINGLE, STYLES, Style
from dalejax.plots.sweeps import scatter, sweep

__all__ = [
    "DOUBLE",
    "EXCITATORY",
    "INHIBITORY",
    "SINGLE",
    "STYLES",
    "Comparison",
    "Effect",
    "Style",
    "effect_bars",
    "eigenvalue_plane",
    "examples",
    "final_dots",
    "learning_curves",
    "maps",
    "quarter_circle_density",
    "save",
    "scatter",
    "signed_matrices",
    "singular_histograms",
    "sweep",
    "trajectories",
]
