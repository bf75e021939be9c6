"""From labels to images: the sampler, and the grids, figures, files and shards made from its images."""
