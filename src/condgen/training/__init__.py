"""Training: its request (job), loop and state, the files that it writes, and the checkpoints from which it resumes."""
