"""Exports, uploads and loads generators. Folders from others are untrusted, and are validated before use."""
