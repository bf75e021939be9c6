"""From labels to pictures: the sampler, and sheets, figures, files and shards made of what it draws."""
