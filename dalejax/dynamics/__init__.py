"""Analyse trained networks: eigenvalues, transient growth, fixed points, trajectories, tuning.

Weight matrices are ``[post, pre]``, the last n_i units are inhibitory, leading axes are members.
"""

from dalejax.dynamics.fixed_points import (
    FixedPoints,
    distinct,
    find_fixed_points,
    linearise,
    step_of,
)
from dalejax.dynamics.geometry import (
    Annulus,
    fit_annulus,
    inner_radius,
    outer_radius,
    outliers,
)
from dalejax.dynamics.growth import henrici, numerical_abscissa, transient_growth
from dalejax.dynamics.projected_spectra import (
    ProjectedSpectrum,
    projected_normal,
    projected_orthogonal,
)
from dalejax.dynamics.psychometrics import (
    PsychometricFunction,
    fit_psychometric,
    psychometric_curve,
)
from dalejax.dynamics.trajectories import (
    PopulationCurrents,
    PopulationRates,
    PrincipalComponents,
    effective_dimension,
    population_currents,
    population_rates,
    principal_components,
)
from dalejax.dynamics.tuning import TuningCurve, selectivity, tuning_curve

__all__ = [
    "Annulus",
    "FixedPoints",
    "PopulationCurrents",
    "PopulationRates",
    "PrincipalComponents",
    "ProjectedSpectrum",
    "PsychometricFunction",
    "TuningCurve",
    "distinct",
    "effective_dimension",
    "find_fixed_points",
    "fit_annulus",
    "fit_psychometric",
    "henrici",
    "inner_radius",
    "linearise",
    "numerical_abscissa",
    "outer_radius",
    "outliers",
    "population_currents",
    "population_rates",
    "principal_components",
    "projected_normal",
    "projected_orthogonal",
    "psychometric_curve",
    "selectivity",
    "step_of",
    "transient_growth",
    "tuning_curve",
]
