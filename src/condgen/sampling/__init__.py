"""Generates images from labels. Contains the sampler, and the grids, figures, files and shards made from its images."""
