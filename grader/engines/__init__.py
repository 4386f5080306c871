"""Engines carry work to places where it is done. `local`: threads of this process, one warm slot each."""
