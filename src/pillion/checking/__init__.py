"""Checking files: which ones, with which findings left out, and how the rest is told.

The rules themselves are in `core.rules`. Here are the walk through files and folders, the ways to ignore a
finding, the repairs, and the formats.
"""
