"""What a training is made of: as asked for (order), its loop and state, what it writes, what it can go on from."""
