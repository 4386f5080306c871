"""The straight line: capture → train → replay → judge → record. The parts meet only here."""
