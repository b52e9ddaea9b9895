"""The child that reads hostile files: `python -m connector.adapters.files.convert`.

Decoders of sound and pictures are large native programs, and a file may be made to break
them. So they run here, in a process that lives for one file: without secrets, without
the right to write files, bounded in memory and time. The parent (preparing.py) takes
what comes out as it takes anything from a stranger.
"""
