"""The library that keeps files: assets, versions, tags, shares. Built in its own wave."""
