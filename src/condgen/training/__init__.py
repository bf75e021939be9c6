"""Training: requests (job), sessions, the loop and its state, files of a run, and checkpoints from which it resumes."""
