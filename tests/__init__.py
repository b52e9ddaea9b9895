"""A package, because linkpreview, which neonize needs, installs one of the same name.

Without this file `import tests` finds theirs.
"""
