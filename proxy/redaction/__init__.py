"""Recordings that can be shared: who somebody is, replaced, and everything else as it was."""
