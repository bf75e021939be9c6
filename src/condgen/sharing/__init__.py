"""Trained generators that leave the house: exported, pushed, loaded again, and held to be hostile until checked."""
