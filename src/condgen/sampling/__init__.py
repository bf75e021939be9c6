"""From labels to images: the sampler, and sheets, figures, files and shards made of what it draws."""
