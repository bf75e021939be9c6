"""The figures of the source documents, one function for each: `condgen figure WHAT RUN`.

Every function writes one file about a run and returns its path. `out` defaults to a name in the run's `figures/`.
Torch is imported only when there is something to plot.

generated.py   generated images      real.py   real images, encoded      course.py   the course of a training
"""

from condgen.figures.course import curves as curves
from condgen.figures.course import growth as growth
from condgen.figures.generated import manifold as manifold
from condgen.figures.generated import same_z as same_z
from condgen.figures.generated import titled as titled
from condgen.figures.generated import walk as walk
from condgen.figures.real import reconstructions as reconstructions
from condgen.figures.real import scatter as scatter
from condgen.figures.real import switched as switched

FIGURES = (titled, same_z, walk, reconstructions, switched, manifold, scatter, curves, growth)
"""In the order of `condgen figure --help`."""
