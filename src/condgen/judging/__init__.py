"""Measuring generators: a judge, a reference of real pictures, the protocol, and what is built on them."""
